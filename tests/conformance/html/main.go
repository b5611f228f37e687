// Command html says what Go's html/template makes of templates: the rewritten trees, the output, or the error.
//
//	go run . -seed 1 -count 100           templates made at random
//	go run . -cases cases/corners.txt     templates from a file, separated by lines of dashes
//	go run . -write ../../vectors/templates   the vectors: the file of cases, some random ones, every escaper
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	html "html/template"
	"math/rand"
	"os"
	"reflect"
	"strings"
	text "text/template"
	"unicode/utf8"
	"unsafe"
)

// known are the templates that every case may call.
const known = `{{define "word"}}{{.}}{{end}}`

type result struct {
	Template string            `json:"template"`
	Error    string            `json:"error,omitempty"`
	Trees    map[string]string `json:"trees,omitempty"`
	Output   string            `json:"output,omitempty"`
	Failed   string            `json:"failed,omitempty"`
}

// printable is a string as JSON can hold it: bytes that are no UTF-8 as base64 behind a mark.
func printable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return "base64:" + base64.StdEncoding.EncodeToString([]byte(s))
}

func run(source string) result {
	found := result{Template: printable(source)}
	template := html.Must(html.New("").Option("missingkey=zero").Parse(known)) // as Alertmanager does
	template, err := template.New("").Option("missingkey=zero").Parse(source)
	if err != nil {
		found.Error = "parse: " + printable(err.Error())
		return found
	}
	var output bytes.Buffer
	err = template.Execute(&output, values())
	if _, ok := err.(*html.Error); ok {
		found.Error = printable(err.Error())
		return found
	}
	if err != nil {
		found.Failed = printable(err.Error())
	}
	found.Output = printable(output.String())
	found.Trees = map[string]string{}
	for _, derived := range inner(template).Templates() {
		if derived.Tree != nil && derived.Tree.Root != nil {
			found.Trees[derived.Name()] = printable(derived.Tree.Root.String())
		}
	}
	return found
}

// inner is the text template inside an HTML template, which also has the derived templates.
func inner(template *html.Template) *text.Template {
	field := reflect.ValueOf(template).Elem().FieldByName("text")
	return *(**text.Template)(unsafe.Pointer(field.UnsafeAddr()))
}

func fromFile(name string) []result {
	data, err := os.ReadFile(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	found := []result{}
	for _, source := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n----\n") {
		found = append(found, run(source))
	}
	return found
}

func main() {
	seed := flag.Int64("seed", 1, "of the random templates")
	count := flag.Int("count", 0, "of them")
	cases := flag.String("cases", "", "file of templates")
	write := flag.String("write", "", "folder to write the vectors to")
	flag.Parse()
	found := []result{}
	if *cases != "" {
		found = fromFile(*cases)
	}
	if *write != "" {
		writeVectors(*write)
		return
	}
	g := &generator{random: rand.New(rand.NewSource(*seed))}
	seen := map[string]bool{}
	for range *count {
		source := g.template()
		if !seen[source] {
			seen[source] = true
			found = append(found, run(source))
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	for _, one := range found {
		encoder.Encode(one)
	}
}
