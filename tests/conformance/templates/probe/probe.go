// Package probe has types of every kind, to see what templates make of them. tests/support/template_data.py has their twins.
package probe

import (
	"errors"
	"strconv"
	"strings"
)

// Color is a number with a text of its own.
type Color int

func (c Color) String() string {
	if c < 0 || c > 2 {
		return "color " + strconv.Itoa(int(c))
	}
	return [...]string{"red", "green", "blue"}[c]
}

// Word is a string without methods.
type Word string

// Count is a number without methods.
type Count uint8

// Failure is an error.
type Failure struct {
	Code int
	Why  string
}

func (f Failure) Error() string { return f.Why + " (" + strconv.Itoa(f.Code) + ")" }

// Point is a struct with methods.
type Point struct {
	X, Y int
}

// Sum has no parameters.
func (p Point) Sum() int { return p.X + p.Y }

// Scale takes a number.
func (p Point) Scale(by int) Point { return Point{p.X * by, p.Y * by} }

// Fail gives an error.
func (p Point) Fail() (string, error) { return "", errors.New("this point fails") }

// Check gives an error or none.
func (p Point) Check(limit int) (bool, error) {
	if p.X > limit {
		return false, errors.New("too far")
	}
	return true, nil
}

// Burst panics.
func (p Point) Burst() string { panic("a point has burst") }

// Label is variadic.
func (p Point) Label(sep string, rest ...string) string { return strings.Join(rest, sep) }

// Less takes a value of its own type.
func (p Point) Less(other Point) bool { return p.X < other.X }

// Anything takes and gives anything.
func (p Point) Anything(value any) any { return value }

// Person is a struct of many kinds of fields.
type Person struct {
	Name    string            `json:"name"`
	Age     int               `json:"age"`
	Tags    []string          `json:"tags"`
	Links   map[string]string `json:"links"`
	Home    Point             `json:"home"`
	Extra   any               `json:"extra"`
	Color   Color             `json:"color"`
	Parents []Person          `json:"parents"`

	secret string
}

// Greeting takes a string.
func (p Person) Greeting(word string) string { return word + ", " + p.Name }

// First gives a struct.
func (p Person) First() Person {
	if len(p.Parents) == 0 {
		return Person{Name: "nobody", Tags: []string{}, Links: map[string]string{}, Parents: []Person{}}
	}
	return p.Parents[0]
}
