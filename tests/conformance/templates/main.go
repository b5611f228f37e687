// Command conformance writes what Go's templates make of the cases beside it.
package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	html "html/template"
	"io"
	"os"
	"path/filepath"
	"strings"
	text "text/template"
	"time"
	_ "time/tzdata"
	"unicode/utf8"
)

// A vector is a case and what came of it.
type vector struct {
	testCase
	Out   *string `json:"out,omitempty"`
	Bytes string  `json:"out_hex,omitempty"` // of an output that is no UTF-8
	Error string  `json:"error,omitempty"`
}

func main() {
	out := flag.String("out", "../../vectors/templates", "folder for the vectors")
	only := flag.String("only", "*", "pattern of the names of the files of cases, without .txt")
	answering := flag.Bool("answer", false, "read cases as lines of JSON and write them with what came of them")
	flag.Parse()
	time.Local = time.UTC
	work := func() error { return generate(*only, *out) }
	if *answering {
		work = answer
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(only, out string) error {
	sets, err := readSets("sets")
	if err != nil {
		return err
	}
	paths, err := filepath.Glob(filepath.Join("cases", only+".txt"))
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, path := range paths {
		cases, err := readCases(path)
		if err != nil {
			return err
		}
		var file bytes.Buffer
		for i, one := range cases {
			if known[one.name()] {
				return fmt.Errorf("%s: two cases are named %q", path, one.name())
			}
			known[one.name()] = true
			data, exists := sets[one.Data]
			if !exists && one.Data != "" {
				return fmt.Errorf("%s: %s: no data %q", path, one.name(), one.Data)
			}
			line, err := run(one, data)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", path, one.name(), err)
			}
			file.WriteString(map[bool]string{true: "[\n", false: ",\n"}[i == 0])
			file.Write(line)
		}
		file.WriteString("\n]\n")
		target := filepath.Join(out, strings.TrimSuffix(filepath.Base(path), ".txt")+".json")
		if err := os.WriteFile(target, file.Bytes(), 0o644); err != nil {
			return err
		}
		fmt.Printf("%5d cases in %s\n", len(cases), target)
	}
	return nil
}

// answer does what generate does for cases that come from elsewhere.
func answer() error {
	sets, err := readSets("sets")
	if err != nil {
		return err
	}
	lines := json.NewDecoder(os.Stdin)
	for lines.More() {
		var one testCase
		if err := lines.Decode(&one); err != nil {
			return err
		}
		line, err := run(one, sets[one.Data])
		if err != nil {
			return err
		}
		fmt.Printf("%s\n", line)
	}
	return nil
}

// run gives a case's line in the file of vectors.
func run(one testCase, data any) ([]byte, error) {
	sources := one.Sources
	for _, name := range one.Use {
		file, err := os.ReadFile(filepath.Join("realworld", name))
		if err != nil {
			return nil, err
		}
		sources = append(sources, [2]string{name, string(file)})
	}
	found := vector{testCase: one}
	var rendered string
	var err error
	if one.Mode == "html" {
		rendered, err = renderHTML(sources, one.Text, data)
	} else {
		rendered, err = renderText(sources, one.Text, data)
	}
	switch {
	case err != nil:
		found.Error = err.Error()
	case utf8.ValidString(rendered):
		found.Out = &rendered
	default:
		found.Bytes = hex.EncodeToString([]byte(rendered))
	}
	return encode(found)
}

func encode(found vector) ([]byte, error) {
	if !utf8.ValidString(found.Text) || !utf8.ValidString(found.Error) {
		return nil, fmt.Errorf("the text or the error is no UTF-8")
	}
	var line bytes.Buffer
	writer := json.NewEncoder(&line)
	writer.SetEscapeHTML(false)
	err := writer.Encode(found)
	return bytes.TrimSuffix(line.Bytes(), []byte("\n")), err
}

// A renderer is what text/template and html/template have in common.
type renderer interface {
	Execute(to io.Writer, data any) error
}

func execute(template renderer, data any) (string, error) {
	var out bytes.Buffer
	err := template.Execute(&out, data)
	return out.String(), err
}

// renderText does what Alertmanager does: files become templates of one set, the text one of a copy of it.
func renderText(sources [][2]string, field string, data any) (string, error) {
	set := text.New("").Option("missingkey=zero").Funcs(functions)
	for _, source := range sources {
		if _, err := set.New(source[0]).Parse(source[1]); err != nil {
			return "", err
		}
	}
	set, err := set.Clone()
	if err != nil {
		return "", err
	}
	template, err := set.New("").Option("missingkey=zero").Parse(field)
	if err != nil {
		return "", err
	}
	return execute(template, data)
}

func renderHTML(sources [][2]string, field string, data any) (string, error) {
	set := html.New("").Option("missingkey=zero").Funcs(functions)
	for _, source := range sources {
		if _, err := set.New(source[0]).Parse(source[1]); err != nil {
			return "", err
		}
	}
	set, err := set.Clone()
	if err != nil {
		return "", err
	}
	template, err := set.New("").Option("missingkey=zero").Parse(field)
	if err != nil {
		return "", err
	}
	return execute(template, data)
}
