package main

import (
	"fmt"
	"math/rand"
	"strings"
)

// generator makes templates that look like pages, are wrong in places, and have actions wherever one may stand.
type generator struct {
	random  *rand.Rand
	helpers []string
}

func (g *generator) pick(choices ...string) string {
	return choices[g.random.Intn(len(choices))]
}

func (g *generator) chance(percent int) bool {
	return g.random.Intn(100) < percent
}

// template is one case: a page, and the templates that it calls.
func (g *generator) template() string {
	g.helpers = nil
	var page string
	if g.chance(25) {
		page = g.soup(3 + g.random.Intn(9))
	} else {
		page = g.content(2)
	}
	if g.chance(12) {
		page = g.damaged(page)
	}
	return strings.Join(g.helpers, "") + page
}

// damaged removes or adds a character outside of actions.
func (g *generator) damaged(page string) string {
	at := g.random.Intn(len(page) + 1)
	if strings.Count(page[:at], "{{") != strings.Count(page[:at], "}}") {
		return page
	}
	if g.chance(50) && at < len(page) && page[at] < 0x80 && page[at] != '{' {
		return page[:at] + page[at+1:]
	}
	return page[:at] + g.pick("<", ">", "\"", "'", "`", "/", "=", " ", "\\", "&", "-", "[") + page[at:]
}

func (g *generator) action() string {
	operand := g.pick(".A", ".B", ".D", ".E", ".N", ".F", ".L", ".M", ".Nil", ".Bytes", ".H", ".U", ".J", ".JS", ".C", ".At",
		".S", ".Missing", ".CSS", ".Path", ".Word", ".Evil", ".A", ".B", ".Word", ".Path")
	switch g.random.Intn(30) {
	case 0:
		return "{{" + operand + " | html}}"
	case 1:
		return "{{" + operand + " | urlquery}}"
	case 2:
		return "{{html " + operand + "}}"
	case 3:
		return "{{" + operand + g.pick(" | html | print}}", " | urlquery | html}}", " | print}}", " | js}}")
	case 4:
		return "{{html " + operand + " .N}}"
	case 5:
		return "{{$x := " + operand + "}}{{$x}}"
	case 6:
		return "{{urlquery " + operand + "}}"
	case 7:
		return "{{print (html " + operand + ")}}"
	}
	return "{{" + operand + "}}"
}

// sometimes wraps what it is given into a branch, a loop or a template of its own.
func (g *generator) sometimes(part func() string) string {
	switch g.random.Intn(24) {
	case 0:
		return "{{if .T}}" + part() + "{{end}}"
	case 1:
		return "{{if .O}}" + part() + "{{else}}" + part() + "{{end}}"
	case 2:
		return "{{range .R}}" + part() + "{{end}}"
	case 3:
		return "{{range .R}}" + part() + g.pick("{{break}}", "{{if $.T}}{{break}}{{end}}", "{{if $.O}}{{continue}}{{end}}") +
			part() + "{{else}}" + part() + "{{end}}"
	case 4:
		return "{{with .A}}" + part() + "{{else}}" + part() + "{{end}}"
	case 5:
		name := fmt.Sprintf("h%d", len(g.helpers))
		at := len(g.helpers)
		g.helpers = append(g.helpers, "")
		body := part()
		g.helpers[at] = fmt.Sprintf("{{define %q}}%s{{end}}", name, body)
		return fmt.Sprintf("{{template %q %s}}", name, g.pick(".", ".", "$"))
	case 6:
		return "{{template \"word\" .Word}}"
	}
	return part()
}

func (g *generator) several(most int, part func() string) string {
	var all strings.Builder
	for range 1 + g.random.Intn(most) {
		all.WriteString(g.sometimes(part))
	}
	return all.String()
}

func (g *generator) text() string {
	return g.pick("Hello ", "a < b", "x &amp; y", "1<2", "<", "</", "<!DOCTYPE html>", "\n", "Grüße ", "<!-- note {{.A}} -->",
		"<!-- x -->", "<3", "I'm \"here\"", "a/b", "<?xml?>", "<!doctype x>", "--", "&", "{ }", "</p>")
}

func (g *generator) content(depth int) string {
	return g.several(3, func() string {
		switch g.random.Intn(10) {
		case 0:
			return g.text()
		case 1:
			return g.action()
		case 2:
			return g.script()
		case 3:
			return "<style" + g.pick("", "", " type=text/css") + ">" + g.css(false) + "</style>"
		case 4:
			name := g.pick("textarea", "title", "TITLE")
			return "<" + name + g.attributes() + ">" + g.several(3, func() string {
				if g.chance(50) {
					return g.action()
				}
				return g.text()
			}) + "</" + name + g.pick(">", " >", "x>")
		case 5:
			return "<meta http-equiv=refresh content=" + g.pick("\"", "'", "") + g.pick("0;url=", "5; URL = ", "", "url", "text/html; ") +
				g.action() + g.pick("", ";x", "?a=b") + g.pick("\"", "\"", "'", "") + ">"
		}
		name := g.pick("p", "a", "div", "img", "x-y", "svg:a", "button", "form", "A", "h1")
		inner := ""
		if depth > 0 {
			inner = g.content(depth - 1)
		}
		return "<" + name + g.attributes() + g.pick(">", ">", " />", " >") + inner + "</" + name + ">"
	})
}

func (g *generator) attributes() string {
	if g.chance(30) {
		return ""
	}
	return g.several(2, func() string {
		space := g.pick(" ", " ", "\n", "  ", " ")
		if g.chance(8) {
			return space + g.action() + g.pick("", "=x", "=\""+g.action()+"\"")
		}
		name := g.pick("href", "src", "title", "id", "class", "style", "onclick", "onLoad", "data-url", "data-x", "xlink:href",
			"xmlns:a", "srcset", "value", "action", "checked", "data-on", "my-uri", "alt", "data-"+g.action(), "HREF", "srcdoc")
		if g.chance(6) {
			return space + name
		}
		quote := g.pick("\"", "\"", "\"", "'", "")
		return space + name + g.pick("=", "=", " = ") + quote + g.value(strings.ToLower(name)) + quote
	})
}

func (g *generator) value(name string) string {
	switch {
	case strings.HasPrefix(name, "on"):
		return g.js(true)
	case name == "style":
		return g.css(true)
	case name == "srcset":
		return g.pick("", "/a.png 2x, ") + g.action() + g.pick("", " 2x", ", /b.png")
	case strings.Contains(name, "href") || strings.Contains(name, "ur") || name == "src" || name == "action":
		return g.url()
	}
	return g.several(2, func() string { return g.pick(g.action(), "word", "a&lt;b", "") })
}

func (g *generator) url() string {
	return g.pick("", "", "/", "http://h/", "?", "#", "mailto:", " ", "javascript:", "&#x3f;") + g.sometimes(g.action) +
		g.pick("", "/x", "?q=", "?q=a&amp;r=", "#", "&quest;") + g.pick("", g.sometimes(g.action))
}

func (g *generator) script() string {
	kind := g.pick("", "", "", "", " type=\"text/javascript\"", " type=text/template", " type=\"application/json\"",
		" type='text/x-javascript; a'", " type=module", " type=\"{{.Word}}\"", " async", " type=TEXT/JAVASCRIPT")
	return "<" + g.pick("script", "script", "SCRIPT") + kind + ">" + g.js(false) + "</" + g.pick("script>", "script>", "SCRIPT >")
}

func (g *generator) js(attribute bool) string {
	return g.several(4, func() string {
		switch g.random.Intn(24) {
		case 0, 1:
			if !attribute {
				return "\"a" + g.action() + "\\n\""
			}
			return g.pick("&quot;", "&#34;", "\\'") + g.action() + "&quot;"
		case 2:
			return "'" + g.action() + g.pick("", "</script", "<script>", "\\'", "<!--", "x") + "'"
		case 3:
			return g.pick("/", " = /", "(/", "/[/]") + g.action() + g.pick("", "[a", "[a]", "\\/", "</script>") + "/"
		case 4:
			return "`a${" + g.pick(g.action(), "{a:"+g.action()+"}", "x", "}") + "}b" + g.action() + "`"
		case 5:
			return "// c " + g.action() + "\n"
		case 6:
			return "/* c " + g.pick(g.action(), "\n", "") + " */"
		case 7:
			return g.pick("<!-- x\n", "--> y\n", "#! z\n", "\u2028")
		case 8:
			return g.pick("return ", "x++", "+", "- ", "4.", "x.", ")", "]", "}", "{", "typeof ", "in ", "mytypeof ", "x = ", "\u00a0")
		case 9, 10:
			return g.pick(" / ", "/", "/=", "/a/g", "/a", "//", "f(", ",")
		case 11:
			return g.pick("`", "\"", "'", "${", "\\")
		}
		return g.pick(g.action(), "var x = "+g.action()+";", "f("+g.action()+", "+g.action()+")", g.action()+" / 2", "x")
	})
}

func (g *generator) css(attribute bool) string {
	return g.several(3, func() string {
		switch g.random.Intn(12) {
		case 0:
			return "background: url(" + g.pick("", " ", "/a", "'", "\"", "?") + g.action() + g.pick(")", "')", "\")", "?"+g.action()+")", " )")
		case 1:
			quote := "'"
			if !attribute && g.chance(50) {
				quote = "\""
			}
			return "content: " + quote + g.pick("", "a", "?", "\\3f ", "\\3f \\x", "\\", "#") + g.action() + g.pick("", "?"+g.action()) + quote
		case 2:
			return g.pick("/* c */", "// c\n", "/* "+g.action()+" */", "// "+g.action()+"\n", "/*", "//")
		case 3:
			return g.pick("a { b: c }", "curl(", "URL(", "url (\"", "@import '", "\"", "'", "\\", "(")
		}
		return g.pick("color: ", "p{width:", "") + g.action() + g.pick(";", "}", "px;", "")
	})
}

// soup is tokens in any order, in well-formed branches.
func (g *generator) soup(length int) string {
	var all strings.Builder
	for range length {
		if g.chance(10) && length > 2 {
			all.WriteString(g.sometimes(func() string { return g.soup(length / 2) }))
			continue
		}
		if g.chance(25) {
			all.WriteString(g.action())
			continue
		}
		all.WriteString(g.pick("<a", " href=", "\"", "'", ">", "<", "/", " ", "<script>", "</script>", "<style>", "</style>", "x", "=",
			" onclick=", " style=", "<!--", "-->", "/*", "*/", "//", "\n", "`", "${", "}", "{", "\\", "[", "]", "?", "#", "url(", ")",
			" title=", "<title>", "</title>", "<textarea>", "</textarea>", " srcset=", "&quot;", "&#39;", "<meta content=", "url=", ";",
			"</", "</script", "<script type=", "text/plain", "é", "\xff", "\t", "a:", "<p>", "</p>", "-", "+", "1"))
	}
	return all.String()
}
