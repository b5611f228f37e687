package main

import (
	"encoding/json"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	seed    = 20
	tries   = 20000
	most    = 400
	longest = 400
)

var (
	quoted   = regexp.MustCompile(`"(\\\\.|[^"])*"|[0-9]+`)
	escapers = regexp.MustCompile(`_html_template_[a-z]+`)
	calls    = regexp.MustCompile(`{{template "[a-z0-9]+"`)
)

// kind is what a result has in common with others of which few are enough.
func kind(one result) string {
	if one.Error != "" {
		return quoted.ReplaceAllString(one.Error, "")
	}
	all := ""
	for _, tree := range one.Trees {
		all += tree
	}
	seen := map[string]bool{}
	for _, name := range escapers.FindAllString(all, -1) {
		seen[name] = true
	}
	names, _ := json.Marshal(seen)
	return string(names)
}

// doubtful is where Go forgets where a template ended when it is called again, or tells of a loop several times.
func doubtful(one result) bool {
	seen := map[string]bool{}
	for _, call := range calls.FindAllString(one.Template, -1) {
		if seen[call] {
			return true
		}
		seen[call] = true
	}
	looped := strings.Contains(one.Template, "{{range") && len(seen) > 0
	return looped || strings.Contains(one.Error, "at range loop")
}

func writeVectors(folder string) {
	found := fromFile("cases/corners.txt")
	g := &generator{random: rand.New(rand.NewSource(seed))}
	kinds := map[string]int{}
	for range tries {
		one := run(g.template())
		if len(one.Template) > longest || doubtful(one) || strings.HasPrefix(one.Error, "parse: ") {
			continue
		}
		if kinds[kind(one)]++; kinds[kind(one)] < 4 && len(found) < most {
			found = append(found, one)
		}
	}
	write(filepath.Join(folder, "html_pages.json"), found)
	texts := []string{}
	for _, text := range hard() {
		texts = append(texts, printable(text))
	}
	write(filepath.Join(folder, "html_escapers.json"), map[string]any{"strings": texts, "contexts": escaped()})
}

func write(name string, content any) {
	file, err := os.Create(name)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	encoder := json.NewEncoder(file)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(content); err != nil {
		panic(err)
	}
}
