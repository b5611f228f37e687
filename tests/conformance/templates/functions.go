package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The moment that the vectors call now.
var now = time.Date(2025, time.March, 9, 10, 30, 0, 0, time.UTC)

var functions = map[string]any{
	"toUpper":   strings.ToUpper,
	"toLower":   strings.ToLower,
	"trimSpace": strings.TrimSpace,
	"join":      func(sep string, all []string) string { return strings.Join(all, sep) },
	"match":     regexp.MatchString,
	"reReplaceAll": func(pattern, replacement, text string) string {
		return regexp.MustCompile(pattern).ReplaceAllString(text, replacement)
	},
	"safeHtml":         func(text string) template.HTML { return template.HTML(text) },
	"safeUrl":          func(text string) template.URL { return template.URL(text) },
	"urlUnescape":      url.QueryUnescape,
	"stringSlice":      func(all ...string) []string { return all },
	"date":             func(layout string, t time.Time) string { return t.Format(layout) },
	"tz":               inZone,
	"now":              func() time.Time { return now },
	"since":            func(t time.Time) time.Duration { return now.Sub(t) },
	"humanizeDuration": humanize,
	"toDate": func(layout, text string) time.Time {
		t, _ := time.ParseInLocation(layout, text, time.UTC)
		return t
	},
	"mustToDate": func(layout, text string) (time.Time, error) {
		return time.ParseInLocation(layout, text, time.UTC)
	},
	"toJson": func(value any) (string, error) {
		text, err := json.Marshal(value)
		return string(text), err
	},
	"base64encode": func(text string) string { return base64.URLEncoding.EncodeToString([]byte(text)) },
	"base64decode": func(text string) (string, error) {
		plain, err := base64.URLEncoding.DecodeString(text)
		if err != nil {
			return "", err
		}
		return string(plain), nil
	},
	"list": func(all ...any) []any {
		if all == nil {
			return []any{}
		}
		return all
	},
	"append": func(all []any, more ...any) []any { return append(all, more...) },
	"dict":   dictionary,
}

func inZone(name string, t time.Time) (time.Time, error) {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.Time{}, err
	}
	return t.In(zone), nil
}

func dictionary(all ...any) (map[string]any, error) {
	if len(all)%2 != 0 {
		return nil, errors.New("dict requires an even number of arguments")
	}
	made := map[string]any{}
	for i := 0; i < len(all); i += 2 {
		key, ok := all[i].(string)
		if !ok {
			return nil, errors.New("dict keys must be strings")
		}
		made[key] = all[i+1]
	}
	return made, nil
}

func seconds(value any) (float64, error) {
	switch v := value.(type) {
	case string:
		return strconv.ParseFloat(v, 64)
	case float64:
		return v, nil
	case int:
		return float64(v), nil
	case uint:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case uint64:
		return float64(v), nil
	case time.Duration:
		return v.Seconds(), nil
	}
	return 0, fmt.Errorf("can't convert %T to float", value)
}

func humanize(value any) (string, error) {
	s, err := seconds(value)
	size := math.Abs(s)
	switch {
	case err != nil:
		return "", err
	case math.IsNaN(s) || math.IsInf(s, 0):
		return fmt.Sprintf("%.4g", s), nil
	case s == 0:
		return "0s", nil
	case size < 1:
		return small(s), nil
	}
	sign := ""
	if s < 0 {
		sign = "-"
	}
	if size < 60 {
		return fmt.Sprintf("%s%.4gs", sign, size), nil
	}
	whole := int64(size)
	days, hours := whole/86400, whole/3600%24
	text := fmt.Sprintf("%dm %ds", whole/60%60, whole%60)
	if days != 0 || hours != 0 {
		text = fmt.Sprintf("%dh ", hours) + text
	}
	if days != 0 {
		text = fmt.Sprintf("%dd ", days) + text
	}
	return sign + text, nil
}

func small(s float64) string {
	unit := ""
	for _, next := range strings.Split("munpfazy", "") {
		if math.Abs(s) >= 1 {
			break
		}
		unit = next
		s *= 1000
	}
	return fmt.Sprintf("%.4g%ss", s, unit)
}
