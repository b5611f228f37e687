// Prints, as JSON, random formats with random operands and what Go's fmt makes of them, and some values as JSON.
//
//	go run ./tests/conformance/printf -seed 7 -count 1500 -longest 150 > tests/vectors/templates/printf.json
//
// Strings are written byte by byte, each as the character with its number, so that any bytes can be told.
// An operand is a pair of the name of its type and its value.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"time"
)

type Pair struct{ Name, Value string }

type Box struct {
	Count int
	Any   any
	Pair  Pair
	Names []string
	Ptr   *Pair
}

type Colour int

func (c Colour) String() string { return "colour-" + strconv.Itoa(int(c)) }

type Label string

type Loud string

func (l Loud) String() string { return strings.ToUpper(string(l)) + "!" }

type Tags map[string]string

type Song struct {
	Title Loud `json:"called"`
}

type Case struct {
	Format string   `json:"format"`
	Args   [][2]any `json:"args"`
	Want   string   `json:"want"`
}

const depthMax = 3

var random *rand.Rand

func pick[T any](from ...T) T { return from[random.Intn(len(from))] }

func bytewise(s string) string {
	runes := make([]rune, len(s))
	for i := 0; i < len(s); i++ {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

func text() string {
	var b strings.Builder
	for range random.Intn(7) {
		b.WriteString(pick("a", "b", "Z", " ", "é", "€", "世", "\U0001f600", "\xff", "\xe2\x82", "\n", "\t", "\x00", "\x7f",
			"\"", "'", "`", "\\", "\u00a0", "\ufeff", "\ufffd", "\u0301", "\u200b", "%", "<", "0"))
	}
	return b.String()
}

func integer() int64 {
	switch random.Intn(5) {
	case 0:
		return int64(random.Uint64())
	case 1:
		return pick[int64](0, 1, -1, math.MaxInt64, math.MinInt64, 0xd800, 0x10ffff, 0x110000, 65, 0x20ac, 0x1f600, 127)
	default:
		return int64(random.Intn(2000) - 1000)
	}
}

func float() float64 {
	switch random.Intn(6) {
	case 0:
		return math.Float64frombits(random.Uint64())
	case 1:
		return pick(0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 5e-324, math.MaxFloat64, 1e20, 1e21, 1e6,
			123456789, 0.1, 100000, 1e-4, 1e-5, 0.5, 2.5, 1.5, 2.2250738585072014e-308)
	case 2:
		return float64(random.Intn(100000)) / pick(1.0, 10, 100, 1000, 8, 16)
	case 3:
		return float64(random.Intn(3000) - 1000)
	default:
		return random.NormFloat64() * math.Pow(10, float64(random.Intn(40)-20))
	}
}

func bits(f float64) string { return strconv.FormatUint(math.Float64bits(f), 16) }

// operand makes a value and its description.
func operand(depth int) (any, [2]any) {
	kinds := 17
	if depth > 0 {
		kinds += 9
	}
	switch random.Intn(kinds) {
	case 0:
		return nil, [2]any{"nil", nil}
	case 1:
		v := pick(true, false)
		return v, [2]any{"bool", v}
	case 2, 3:
		v := int(integer())
		return v, [2]any{"int", strconv.Itoa(v)}
	case 4:
		v := uint64(integer())
		return v, [2]any{"uint64", strconv.FormatUint(v, 10)}
	case 5:
		v := uint8(integer())
		return v, [2]any{"uint8", strconv.Itoa(int(v))}
	case 6, 7, 8:
		v := float()
		return v, [2]any{"float64", bits(v)}
	case 9:
		v := complex(float(), float())
		return v, [2]any{"complex128", []string{bits(real(v)), bits(imag(v))}}
	case 10, 11:
		v := text()
		return v, [2]any{"string", bytewise(v)}
	case 12:
		v := Colour(integer())
		return v, [2]any{"main.Colour", strconv.Itoa(int(v))}
	case 13:
		v := Loud(text())
		return v, [2]any{"main.Loud", bytewise(string(v))}
	case 14:
		v := []byte(text())
		return v, [2]any{"[]uint8", bytewise(string(v))}
	case 15:
		v := time.Duration(integer())
		return v, [2]any{"time.Duration", strconv.FormatInt(int64(v), 10)}
	case 16:
		v := Label(text())
		return v, [2]any{"main.Label", bytewise(string(v))}
	}
	return compound(depth - 1)
}

func strings_() ([]string, []string) {
	values, told := []string{}, []string{}
	for range random.Intn(4) {
		s := text()
		values, told = append(values, s), append(told, bytewise(s))
	}
	return values, told
}

func compound(depth int) (any, [2]any) {
	switch random.Intn(9) {
	case 0, 1:
		values, told := []any{}, [][2]any{}
		for range random.Intn(4) {
			v, d := operand(depth)
			values, told = append(values, v), append(told, d)
		}
		return values, [2]any{"[]interface {}", told}
	case 2:
		values, told := map[string]any{}, map[string]any{}
		for range random.Intn(4) {
			key := text()
			v, d := operand(depth)
			values[key], told[bytewise(key)] = v, d
		}
		return values, [2]any{"map[string]interface {}", told}
	case 3:
		v, d := strings_()
		return v, [2]any{"[]string", d}
	case 4:
		if random.Intn(2) == 0 {
			return []string(nil), [2]any{"[]string", nil}
		}
		return Tags(nil), [2]any{"main.Tags", nil}
	case 5:
		v, told := Tags{}, map[string]string{}
		for range random.Intn(4) {
			key, value := text(), text()
			v[key], told[bytewise(key)] = value, bytewise(value)
		}
		return v, [2]any{"main.Tags", told}
	case 6:
		v, told := map[int]float64{}, map[string]string{}
		for range random.Intn(4) {
			key, value := random.Intn(50)-10, float()
			v[key], told[strconv.Itoa(key)] = value, bits(value)
		}
		return v, [2]any{"map[int]float64", told}
	case 7:
		v := Song{Loud(text())}
		return v, [2]any{"main.Song", bytewise(string(v.Title))}
	}
	inner, told := operand(depth)
	names, toldNames := strings_()
	v := Box{Count: int(integer()), Any: inner, Pair: Pair{text(), text()}, Names: names}
	d := []any{strconv.Itoa(v.Count), told, []string{bytewise(v.Pair.Name), bytewise(v.Pair.Value)}, toldNames}
	// Inside other values a pointer prints as its address, which nobody can foretell.
	if depth == depthMax-1 && random.Intn(2) == 0 {
		return &v, [2]any{"*main.Box", d}
	}
	return v, [2]any{"main.Box", d}
}

func size() string {
	switch random.Intn(8) {
	case 0:
		return "*"
	case 1:
		return pick("[1]*", "[2]*", "[9]*", "[x]*", "[]", "[3", "1000001", "99999999999", "[1]4")
	default:
		return strconv.Itoa(random.Intn(24))
	}
}

func verb() string {
	var b strings.Builder
	b.WriteString("%")
	for random.Intn(3) == 0 {
		b.WriteString(pick("+", "-", "#", " ", "0"))
	}
	if random.Intn(12) == 0 {
		b.WriteString(pick("[1]", "[2]", "[3]", "[]", "[0]", "[-1]", "[99999999999999999999]", "[1", "[00000000000001]"))
	}
	if random.Intn(3) == 0 {
		b.WriteString(size())
	}
	if random.Intn(3) == 0 {
		b.WriteString("." + pick("", size(), size()))
	}
	if random.Intn(20) == 0 {
		b.WriteString(pick("[1]", "[2]", "[7]"))
	}
	if random.Intn(2) == 0 {
		b.WriteString(pick("v", "s", "d", "q", "g", "f"))
	} else {
		b.WriteString(pick("v", "T", "t", "b", "c", "d", "o", "O", "q", "x", "X", "U", "e", "E", "f", "F", "g", "G", "s",
			"%", "z", "!", "é", "\xff", "w", "."))
	}
	return b.String()
}

func one() Case {
	format, count := "", random.Intn(3)+1
	for range count {
		format += pick("", "", " ", "x", "é", "\xe2", "%%") + verb()
	}
	format += pick("", "", "", "|", "%", "%-", "%5", "%.", "%[", "%[]", "%[1]", "\x82\xac")
	count += pick(0, 0, 0, 0, 0, -1, 1)
	args, told := []any{}, [][2]any{}
	for range count {
		v, d := operand(depthMax)
		args, told = append(args, v), append(told, d)
	}
	switch random.Intn(24) {
	case 2, 3:
		v, d := operand(depthMax)
		encoded, err := json.Marshal(v)
		if err != nil {
			encoded = []byte(err.Error())
		}
		return Case{"json", [][2]any{d}, bytewise(string(encoded))}
	case 0:
		return Case{"sprint", told, bytewise(fmt.Sprint(args...))}
	case 1:
		return Case{"sprintln", told, bytewise(fmt.Sprintln(args...))}
	}
	return Case{"f:" + bytewise(format), told, bytewise(fmt.Sprintf(format, args...))}
}

func main() {
	seed := flag.Int64("seed", 1, "of the random numbers")
	count := flag.Int("count", 1000, "of cases")
	longest := flag.Int("longest", 400, "bytes of a text that is kept")
	flag.Parse()
	random = rand.New(rand.NewSource(*seed))
	cases := []Case{}
	for len(cases) < *count {
		if c := one(); len(c.Want) <= *longest {
			cases = append(cases, c)
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	fmt.Print("[")
	for i, c := range cases {
		if i > 0 {
			fmt.Print(",")
		}
		if err := out.Encode(c); err != nil {
			panic(err)
		}
	}
	fmt.Println("]")
}
