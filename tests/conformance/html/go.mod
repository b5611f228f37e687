module amfast/conformance/html

go 1.26
