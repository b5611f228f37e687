// Prints, as JSON, what Go's packages make of random inputs to the functions of templates.
//
//	go run ./tests/conformance/strings -seed 7 -count 110 > tests/vectors/templates/strings.json
//
// Strings are written byte by byte, each as the character with its number, so that any bytes can be told.
package main

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
)

var random *rand.Rand

func bytewise(s string) string {
	runes := make([]rune, len(s))
	for i := 0; i < len(s); i++ {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// of joins up to count random parts.
func of(count int, parts ...string) string {
	var b strings.Builder
	for range random.Intn(count + 1) {
		b.WriteString(parts[random.Intn(len(parts))])
	}
	return b.String()
}

func text() string {
	return of(8, "a", "b", "ab", "B", "1", "_", " ", "\n", "é", "É", "世", "ß", "ǆ", "İ", "Σ", "\xff", "\xe2\x82", "\u00a0",
		"\u3000", "\x1c", "$", "-", "\U0001f600", "\u0085")
}

func pattern() string {
	return of(5, "a", "b", ".", "é", "\\w", "\\s", "\\d", "[ab]", "[^a]", "(a|b)", "(b)?", "(?P<n>a)", "(?P<n2>.)", "a*", "b+", "x*",
		"^", "$", "\\b", "|", "(?i)", "(?s).", "*", "(", "[", "a{2}", "a{2}{3}", "\\8", "\\pL", "(?:ab)", "\\x{e9}", "[[:alpha:]]",
		"\\C", "(?<m>b)", "(?<=a)", "\\", "(?-", "é*?")
}

func replacement() string {
	return of(5, "x", "$1", "${1}", "$2", "$0", "$n", "${n}", "${n2}", "$m", "$$", "$", "${", "${n", "$1x", "${1}x", "$é", "$01", "$9", "é",
		"\xff", "${}", "$-", "\\1", "$123456789")
}

func encoded() string {
	if random.Intn(3) == 0 {
		return of(8, "AAAA", "YQ==", "YWI=", "YQ=", "Y", "YQ", "=", "\n", "\r\n", "-", "_", "+", "/", "YWJj", "é", "Y===", "Zh==")
	}
	s := base64.URLEncoding.EncodeToString([]byte(text()))
	if random.Intn(2) == 0 && len(s) > 0 {
		i := random.Intn(len(s) + 1)
		s = s[:i] + of(2, "\n", "=", "A", "*", "\r") + s[i:]
	}
	return s
}

func escaped() string {
	return of(6, "a", "+", "%20", "%41", "%zz", "%", "%2", "%é", "%C3%A9", "%ff", "é", "&", "%%", "\xff")
}

func constant() string {
	mark := []string{"\"", "'", "`"}[random.Intn(3)]
	inner := of(3, "a", "é", "\xff", "\\n", "\\x41", "\\xff", "\\377", "\\400", "\\101", "\\u00e9", "\\U0001f600", "\\ud800", "\\'", "\\\"",
		"\\\\", "\\q", "\\x4", "\n", "\r", "'", "\"", "`", "\xe2\x82", "\xac", "\\xe2\\x82\\xac", "\\U00110000", "\\")
	return mark + inner + []string{mark, mark, mark, mark, "", "'"}[random.Intn(6)]
}

func either(result string, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return result
}

func replaced(pattern, replacement, text string) (result string) {
	defer func() {
		if r := recover(); r != nil {
			result = fmt.Sprintf("error: %v", r)
		}
	}()
	return regexp.MustCompile(pattern).ReplaceAllString(text, replacement)
}

// Case is a function, what it was given and what came of it.
type Case struct {
	Function string   `json:"function"`
	Given    []string `json:"given"`
	Want     string   `json:"want"`
}

func one(function string) Case {
	var given []string
	var want string
	switch function {
	case "toUpper":
		given = []string{text()}
		want = strings.ToUpper(given[0])
	case "toLower":
		given = []string{text()}
		want = strings.ToLower(given[0])
	case "trimSpace":
		given = []string{text()}
		want = strings.TrimSpace(given[0])
	case "match":
		given = []string{pattern(), text()}
		found, err := regexp.MatchString(given[0], given[1])
		want = either(strconv.FormatBool(found), err)
	case "reReplaceAll":
		given = []string{pattern(), replacement(), text() + text()}
		want = replaced(given[0], given[1], given[2])
	case "urlUnescape":
		given = []string{escaped()}
		want = either(url.QueryUnescape(given[0]))
	case "unquote":
		given = []string{constant()}
		want = either(strconv.Unquote(given[0]))
	case "base64encode":
		given = []string{text()}
		want = base64.URLEncoding.EncodeToString([]byte(given[0]))
	case "base64decode":
		given = []string{encoded()}
		decoded, err := base64.URLEncoding.DecodeString(given[0])
		want = either(string(decoded), err)
	}
	for i := range given {
		given[i] = bytewise(given[i])
	}
	return Case{function, given, bytewise(want)}
}

func main() {
	seed := flag.Int64("seed", 1, "of the random numbers")
	count := flag.Int("count", 150, "of cases of each function")
	flag.Parse()
	random = rand.New(rand.NewSource(*seed))
	cases := []Case{}
	for _, function := range []string{"toUpper", "toLower", "trimSpace", "match", "match", "reReplaceAll", "reReplaceAll",
		"reReplaceAll", "urlUnescape", "base64encode", "base64decode", "unquote"} {
		for range *count {
			cases = append(cases, one(function))
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	if err := out.Encode(cases); err != nil {
		panic(err)
	}
}
