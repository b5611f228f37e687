package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A testCase is one template on one set of data.
type testCase struct {
	Section string      `json:"section"`
	Title   string      `json:"title,omitempty"` // of a case of several lines; others are known by their text
	Mode    string      `json:"mode,omitempty"`
	Use     []string    `json:"use,omitempty"`
	Sources [][2]string `json:"sources,omitempty"`
	Text    string      `json:"text"`
	Data    string      `json:"data,omitempty"`
}

func (c testCase) name() string {
	what := c.Title
	if what == "" {
		what = c.Text
	}
	return strings.TrimSpace(fmt.Sprintf("%s: %s %s %s", c.Section, what, c.Data, c.Mode))
}

// A section of a file of cases: what all its cases have in common.
type section struct {
	title   string
	options map[string]string
	values  [][2]string // name and alternatives of what stands as <name> in its lines
}

// A block is a case of several lines, as far as it is read.
type block struct {
	title   string
	options map[string]string
	files   [][2]string // the first is the text itself
}

type reader struct {
	section section
	block   *block
	cases   []testCase
	err     error
}

// readCases reads one file in the format that README.md describes.
func readCases(path string) ([]testCase, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := reader{section: section{title: strings.TrimSuffix(filepath.Base(path), ".txt")}}
	for number, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		r.line(line)
		if r.err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number+1, r.err)
		}
	}
	r.endBlock()
	return r.cases, r.err
}

func (r *reader) line(line string) {
	switch {
	case strings.HasPrefix(line, "=== "):
		r.endBlock()
		title, options := heading(line, nil)
		r.section = section{title: title, options: options}
	case strings.HasPrefix(line, "--- "):
		r.endBlock()
		title, options := heading(line, r.section.options)
		r.block = &block{title: title, options: options, files: [][2]string{{"", ""}}}
	case r.block != nil && strings.HasPrefix(line, "+++ "):
		r.block.files = append(r.block.files, [2]string{line[4:], ""})
	case r.block != nil:
		r.block.files[len(r.block.files)-1][1] += line + "\n"
	case line == "" || strings.HasPrefix(line, "# "):
	case strings.HasPrefix(line, "%"):
		name, alternatives, ok := strings.Cut(line[1:], " = ")
		if !ok {
			r.err = fmt.Errorf("expected %%NAME = VALUE ;; VALUE")
		}
		r.section.values = append(r.section.values, [2]string{name, alternatives})
	default:
		for _, text := range expand(line, r.section.values) {
			r.add("", r.section.options, [][2]string{{"", text}})
		}
	}
}

// heading takes "=== title | key=value | key=value" apart.
func heading(line string, options map[string]string) (string, map[string]string) {
	parts := strings.Split(line[4:], " | ")
	all := map[string]string{}
	for key, value := range options {
		all[key] = value
	}
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		all[key] = value
	}
	return parts[0], all
}

// expand puts every combination of the values into a line.
func expand(line string, values [][2]string) []string {
	lines := []string{line}
	for _, value := range values {
		var more []string
		for _, line := range lines {
			if !strings.Contains(line, "<"+value[0]+">") {
				more = append(more, line)
				continue
			}
			for _, one := range strings.Split(value[1], " ;; ") {
				more = append(more, strings.ReplaceAll(line, "<"+value[0]+">", one))
			}
		}
		lines = more
	}
	return lines
}

func (r *reader) endBlock() {
	if r.block == nil {
		return
	}
	for i := range r.block.files {
		r.block.files[i][1] = strings.TrimSuffix(r.block.files[i][1], "\n")
	}
	r.add(r.block.title, r.block.options, r.block.files)
	r.block = nil
}

// add makes a case for each set of data and each mode.
func (r *reader) add(title string, options map[string]string, files [][2]string) {
	if options["escapes"] != "" {
		for i := range files {
			files[i][1], r.err = unescape(files[i][1])
		}
	}
	for _, data := range strings.Split(options["data"], ",") {
		for _, mode := range strings.Split(options["mode"], ",") {
			one := testCase{Section: r.section.title, Title: title, Mode: mode, Text: files[0][1], Data: data}
			one.Sources = files[1:]
			if options["use"] != "" {
				one.Use = strings.Split(options["use"], ",")
			}
			if mode == "text" {
				one.Mode = ""
			}
			r.cases = append(r.cases, one)
		}
	}
}

func unescape(text string) (string, error) {
	var plain []byte
	for text != "" {
		char, wide, rest, err := strconv.UnquoteChar(text, 0)
		if err != nil {
			return "", err
		}
		if wide {
			plain = append(plain, string(char)...)
		} else {
			plain = append(plain, byte(char))
		}
		text = rest
	}
	return string(plain), nil
}
