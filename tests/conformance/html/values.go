package main

import (
	"bytes"
	html "html/template"
)

// values are what templates print. tests/unit/test_template_html.py has the same ones.
func values() map[string]any {
	return map[string]any{
		"A":     "<b onclick=\"x('y')\">&amp; a+b</b>\u2028",
		"B":     "javascript:alert(1)",
		"D":     "a b/c?d=e&f#g%20%zz,ü",
		"E":     "",
		"N":     -42,
		"F":     1.5,
		"L":     []string{"a", "<b>"},
		"M":     map[string]any{"k": "</script>", "a": nil},
		"R":     []int{1, 2},
		"T":     true,
		"O":     false,
		"Nil":   nil,
		"Bytes": "x\xffy\x00\t\v\x01",
		"CSS":   "color: \\3c expr/**/ession(1)",
		"Path":  "/x y?z=é",
		"Word":  "word",
		"Evil":  "\"'`--></title></textarea></style><script>*/ \\ ]]> ${x}{y} {{z}}",
		"H":     html.HTML("<i title='a>b'>H &amp; \"q\"</i><!-- c --><style>p<b title=\">x</style>y"),
		"U":     html.URL("javascript:u('%41 ,')"),
		"J":     html.JS("f(\"</x>\")"),
		"JS":    html.JSStr("a\\n'\"</x>"),
		"C":     html.CSS("p{color:red}</style>"),
		"At":    html.HTMLAttr("dir=\"ltr\""),
		"S":     html.Srcset("/a 2x, javascript:b 1x"),
	}
}

// contexts have one place each where a value is printed.
var contexts = map[string]string{
	"text":             "{{.}}",
	"rcdata":           "<title>{{.}}</title>",
	"quoted":           "<p title=\"{{.}}\">",
	"unquoted":         "<p title={{.}}>",
	"name":             "<p {{.}}=x>",
	"url":              "<p href=\"{{.}}\">",
	"url path":         "<p href='/{{.}}'>",
	"url query":        "<p href=\"?{{.}}\">",
	"url unquoted":     "<p href={{.}}>",
	"srcset":           "<p srcset=\"{{.}}\">",
	"meta":             "<meta content=\"url={{.}}\">",
	"script":           "<script>{{.}}</script>",
	"script string":    "<script>'{{.}}'</script>",
	"script regexp":    "<script>/{{.}}/</script>",
	"script literal":   "<script>`{{.}}`</script>",
	"handler":          "<p onclick=\"{{.}}\">",
	"handler string":   "<p onclick='\"{{.}}\"'>",
	"style":            "<style>{{.}}</style>",
	"style string":     "<style>'{{.}}'</style>",
	"style url":        "<style>url({{.}})</style>",
	"style attribute":  "<p style=\"{{.}}\">",
	"comment":          "<!-- {{.}} -->",
	"script comment":   "<script>/* {{.}} */</script>",
	"handler comment":  "<p onclick=\"/* {{.}} */\">",
	"comment unquoted": "<p onclick=/*{{.}}*/>",
}

// hard are strings that one escaper or another could get wrong.
func hard() []string {
	every := ""
	for code := rune(0); code < 0x180; code++ {
		every += string(code)
	}
	return []string{
		every, "\ufdd0\ufdef\ufff0\ufffd\uffff\U0001f600\u2029", "\xc3(\xff\xe2\x80", "HTTP://x", "mailto:x", "httpſ:x", "http:x:y",
		"a/b:c", ":", "data:text/html,x", "/a 1x, /b?c d, /e f!", "  /a\t2x ,, x", "ONCLICK", "Kelvin", "href", "dataurl", "x1", "x-1",
		"\\3c\\00003c \\10ffff1\\110000 \\d800 \\a\r\nb\\", "--", "a-b", "-a-", "expression", "EX/**/PRESSION", "e\\78pression", "-moz-bi\\6e ding",
		"\\41\r\nb", "\\41 \r\nb", "\\000041b c", "\\10ffffb", "\\110000b", "\\d800x", "\\0000411", "1.5em", "#fff", "rgb(1,2,3)", "\\", "\\41g", "\\'", "%", "%4", "%41", "%4g", "a%20b%zz", "</script", "<!--", "-->", "]]>", "*/",
		"a & b &amp; c", "<p>x</p>", "x<3 y>2", "+", "'\"`", "${x}",
	}
}

// escaped is what comes of every value and string in every context.
func escaped() map[string]any {
	all := map[string]any{}
	for name, source := range contexts {
		template := html.Must(html.New("page").Parse(source))
		show := func(value any) string {
			var output bytes.Buffer
			if err := template.Execute(&output, value); err != nil {
				panic(err)
			}
			return printable(output.String())
		}
		named := map[string]string{}
		for name, value := range values() {
			named[name] = show(value)
		}
		outputs := []string{}
		for _, value := range hard() {
			outputs = append(outputs, show(value))
		}
		all[name] = map[string]any{"template": source, "values": named, "strings": outputs}
	}
	return all
}
