// Prints, as JSON, random times, layouts and durations and what Go's package time makes of them.
//
//	go run ./tests/conformance/times -seed 7 -count 250 > tests/vectors/templates/times.json
//
// Strings are written byte by byte, each as the character with its number, so that any bytes can be told.
package main

import (
	"encoding/json"
	"flag"
	"math"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"time"
)

var random *rand.Rand

func pick[T any](from ...T) T { return from[random.Intn(len(from))] }

func bytewise(s string) string {
	runes := make([]rune, len(s))
	for i := 0; i < len(s); i++ {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// Zone is a name, or an offset with a name of its own.
type Zone struct {
	Name   string `json:"name,omitempty"`
	Offset int    `json:"offset,omitempty"`
	Fixed  bool   `json:"fixed,omitempty"`
}

func zone() (Zone, *time.Location) {
	switch random.Intn(4) {
	case 0:
		return Zone{Name: "UTC"}, time.UTC
	case 1:
		z := Zone{pick("", "", "XYZ", "é"), pick(0, 3600, -3600, 19800, -12600, 43200, -30, 45, 86400, 90061, -1), true}
		l := time.FixedZone(z.Name, z.Offset)
		z.Name = bytewise(z.Name)
		return z, l
	}
	z := Zone{Name: pick("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
		"Pacific/Apia", "Europe/Dublin", "America/St_Johns", "Africa/Casablanca", "Asia/Tokyo", "Pacific/Chatham",
		"America/Sao_Paulo", "Europe/London", "Etc/GMT+5", "Antarctica/Troll", "Africa/Monrovia", "EST5EDT", "Asia/Tehran")}
	l, err := time.LoadLocation(z.Name)
	if err != nil {
		panic(err)
	}
	return z, l
}

// Moment tells a time by seconds since the epoch.
type Moment struct {
	Seconds int64 `json:"s"`
	Nanos   int64 `json:"ns,omitempty"`
	Zone    Zone  `json:"zone"`
}

func moment() (Moment, time.Time) {
	z, l := zone()
	seconds := int64(0)
	switch random.Intn(8) {
	case 0:
		seconds = random.Int63n(9000*31556952) - 2000*31556952 // years before 1 up to 9000
	case 1:
		seconds = pick[int64](0, -62135596800, 253402300799, 253402300800, -62135596801, 951782400, 1078012800, 86399)
	case 2:
		seconds = -2208988800 + random.Int63n(70*31556952)
	default:
		seconds = random.Int63n(60 * 31556952) // 1970 to 2030
	}
	nanos := pick(0, 0, random.Int63n(1e9), random.Int63n(1000)*1e6, random.Int63n(1e6)*1000, 999999999)
	return Moment{seconds, nanos, z}, time.Unix(seconds, nanos).In(l)
}

var standard = []string{time.Layout, time.ANSIC, time.UnixDate, time.RubyDate, time.RFC822, time.RFC822Z, time.RFC850,
	time.RFC1123, time.RFC1123Z, time.RFC3339, time.RFC3339Nano, time.Kitchen, time.Stamp, time.StampMilli, time.StampMicro,
	time.StampNano, time.DateTime, time.DateOnly, time.TimeOnly}

func piece() string {
	return pick("2006", "06", "Jan", "January", "01", "1", "Mon", "Monday", "02", "_2", "2", "002", "__2", "15", "03", "3",
		"04", "4", "05", "5", "PM", "pm", "MST", "Z07:00", "Z0700", "Z07", "Z070000", "Z07:00:00", "-0700", "-07:00", "-07",
		"-070000", "-07:00:00", ".000", ".999", ",000", ",9", ".0", ".000000000", ".999999999", ".00000000000", "_2006", "__2006",
		"Janx", "Monx", "JanX", ".0009", "0", "7", "P", "M", "é", "\xff", " ", "T", ":", "-", "/", "\"", "  ", "a", "0.00")
}

func layout() string {
	if random.Intn(4) == 0 {
		return pick(standard...)
	}
	var b strings.Builder
	for range random.Intn(7) + 1 {
		b.WriteString(piece())
		b.WriteString(pick("", " ", "-", ":", ".", ""))
	}
	return b.String()
}

// sensible layouts give values that can be read.
func sensible() string {
	date := pick("2006-01-02", "02.01.06", "Jan _2 2006", "2 January 2006", "2006 002", "2006-__2", "Mon, 2 Jan 2006", "1/2/06", "")
	clock := pick("15:04:05", "3:04PM", "03:04:05 pm", "15:04:05.000", "15:04:05,999", "15:4:5", "15", "15:04:05.9", "")
	end := pick("", "", " MST", "Z07:00", " -0700", "-07", "Z07", " -07:00:00 MST", "Z070000", " -070000", " MST -0700")
	return date + pick(" ", "T", "  ", ", ") + clock + end
}

func spoilt(s string) string {
	for range random.Intn(3) {
		if len(s) == 0 {
			return s
		}
		i := random.Intn(len(s))
		switch random.Intn(3) {
		case 0:
			s = s[:i] + s[i+1:]
		case 1:
			s = s[:i] + pick("0", "1", "9", " ", "-", "+", ":", "Z", "A", "x", "é", "\xff", "T", ".", "12345678901", "GMT+3", "\"", "\x01") + s[i:]
		default:
			s = s[:i] + pick("0", "9", " ", "+", "-", "3", "6", "a", "P", ".") + s[i+1:]
		}
	}
	return s
}

type Format struct {
	At      Moment `json:"at"`
	Layout  string `json:"layout"`
	Want    string `json:"want"`
	String  string `json:"string"`
	Go      string `json:"go"`
	JSON    string `json:"json"`
	Numbers []any  `json:"numbers"`
}

func format() Format {
	m, t := moment()
	l := layout()
	encoded, err := t.MarshalJSON()
	if err != nil {
		encoded = []byte(err.Error())
	}
	return Format{m, bytewise(l), bytewise(t.Format(l)), bytewise(t.String()), t.GoString(), string(encoded), []any{
		t.Year(), t.Month().String(), t.Day(), t.YearDay(), t.Weekday().String(), t.Hour(), t.Minute(), t.Second(),
		t.Nanosecond(), t.IsDST(), strconv.FormatInt(t.UnixNano(), 10), t.UnixMilli()}}
}

type Shift struct {
	At     Moment `json:"at"`
	Other  Moment `json:"other"`
	By     string `json:"by"`
	Date   [3]int `json:"date"`
	Added  string `json:"added"`
	Dated  string `json:"dated"`
	Cut    string `json:"cut"`
	Round  string `json:"round"`
	Sub    string `json:"sub"`
	Order  int    `json:"order"`
	Inside string `json:"inside"`
}

func shift() Shift {
	m, t := moment()
	o, u := moment()
	d := span()
	date := [3]int{random.Intn(9) - 4, random.Intn(40) - 20, random.Intn(800) - 400}
	return Shift{m, o, strconv.FormatInt(int64(d), 10), date, bytewise(t.Add(d).String()),
		bytewise(t.AddDate(date[0], date[1], date[2]).String()), bytewise(t.Truncate(d).String()),
		bytewise(t.Round(d).String()), t.Sub(u).String(), t.Compare(u), bytewise(t.In(u.Location()).String())}
}

type Parse struct {
	Layout string `json:"layout"`
	Value  string `json:"value"`
	Want   string `json:"want"`
	Error  string `json:"error,omitempty"`
}

func parse() Parse {
	l := sensible()
	if random.Intn(4) == 0 {
		l = layout()
	}
	_, t := moment()
	value := t.Format(l)
	if random.Intn(2) == 0 {
		value = spoilt(value)
	}
	if random.Intn(12) == 0 {
		l = layout()
	}
	got, err := time.ParseInLocation(l, value, time.UTC)
	p := Parse{bytewise(l), bytewise(value), bytewise(got.String()), ""}
	if err != nil {
		p.Error = bytewise(err.Error())
	}
	return p
}

func span() time.Duration {
	switch random.Intn(5) {
	case 0:
		return time.Duration(random.Uint64())
	case 1:
		return pick[time.Duration](0, 1, -1, math.MaxInt64, math.MinInt64, time.Second, time.Minute, time.Hour, 24*time.Hour,
			1500*time.Millisecond, 999, 1000, 60*time.Second-1, time.Hour+1)
	case 2:
		return time.Duration(random.Int63n(1e9))
	case 3:
		return time.Duration(random.Int63n(1e6)) * time.Second
	}
	return time.Duration(random.NormFloat64() * math.Pow(10, float64(random.Intn(18))))
}

type Span struct {
	Length  string   `json:"length"`
	Unit    string   `json:"unit"`
	Texts   []string `json:"texts"`
	Hours   []string `json:"hours"`
	Counted []string `json:"counted"`
}

func duration() Span {
	d, unit := span(), span()
	float := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
	return Span{strconv.FormatInt(int64(d), 10), strconv.FormatInt(int64(unit), 10),
		[]string{d.String(), d.Round(unit).String(), d.Truncate(unit).String(), d.Abs().String(),
			time.Month(d).String(), time.Weekday(d).String()},
		[]string{float(d.Seconds()), float(d.Minutes()), float(d.Hours())},
		[]string{strconv.FormatInt(d.Microseconds(), 10), strconv.FormatInt(d.Milliseconds(), 10)}}
}

func several[T any](count int, make func() T) []T {
	all := []T{}
	for range count {
		all = append(all, make())
	}
	return all
}

func main() {
	seed := flag.Int64("seed", 1, "of the random numbers")
	count := flag.Int("count", 300, "of cases of each sort")
	flag.Parse()
	random = rand.New(rand.NewSource(*seed))
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	err := out.Encode(map[string]any{
		"formats":   several(*count, format),
		"shifts":    several(*count/3, shift),
		"parses":    several(*count*2, parse),
		"durations": several(*count/3, duration),
	})
	if err != nil {
		panic(err)
	}
}
