package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

const (
	// How many different words are kept: strangers choose them.
	wordsMax = 10_000
	// The longest word, in bytes.
	wordMax = 64
	// Into how many parts a text is cut.
	parts = 4
)

// Board counts words. Everyone may use it at the same time: what is shared is touched under the lock only.
type Board struct {
	lock   sync.Mutex
	counts map[string]int
}

// NewBoard makes an empty one.
func NewBoard() *Board { return &Board{counts: map[string]int{}} }

// Word is a word and how often it was said.
type Word struct {
	Word  string `json:"word"`
	Count int    `json:"count"`
}

// Add counts the words of a text, part by part in goroutines of their own. When it returns, all are counted; how many were
// left out because they are too long, or because the board is full, is told.
func (b *Board) Add(text string) (leftOut int) {
	words := strings.Fields(strings.ToLower(text))
	left := make(chan int, parts)
	size := (len(words) + parts - 1) / parts
	for at := range parts {
		from, to := min(at*size, len(words)), min((at+1)*size, len(words))
		go func() { left <- b.merge(count(words[from:to])) }()
	}
	for range parts {
		leftOut += <-left
	}
	return leftOut
}

// count touches nothing that is shared.
func count(words []string) map[string]int {
	counts := map[string]int{}
	for _, word := range words {
		counts[word]++
	}
	return counts
}

func (b *Board) merge(counts map[string]int) (leftOut int) {
	b.lock.Lock()
	defer b.lock.Unlock()
	for word, more := range counts {
		_, known := b.counts[word]
		if len(word) > wordMax || !known && len(b.counts) == wordsMax {
			leftOut += more
			continue
		}
		b.counts[word] += more
	}
	return leftOut
}

// Top gives the words said most often, at most so many; of the same count in the order of the alphabet.
func (b *Board) Top(most int) []Word {
	b.lock.Lock()
	words := make([]Word, 0, len(b.counts))
	for word, count := range b.counts {
		words = append(words, Word{word, count})
	}
	b.lock.Unlock()
	slices.SortFunc(words, func(one, other Word) int {
		return cmp.Or(cmp.Compare(other.Count, one.Count), cmp.Compare(one.Word, other.Word))
	})
	return words[:min(most, len(words))]
}

// What is carried over a swap. Another version reads it, so it says what it is.
type saved struct {
	Format int            `json:"format"`
	Counts map[string]int `json:"counts"`
}

// Save gives what Load reads.
func (b *Board) Save() ([]byte, error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	return json.Marshal(saved{Format: 1, Counts: b.counts})
}

// Load replaces what is on the board.
func (b *Board) Load(state []byte) error {
	var from saved
	if err := json.Unmarshal(state, &from); err != nil {
		return err
	}
	if from.Format != 1 || from.Counts == nil {
		return fmt.Errorf("format %d was saved; this version knows 1", from.Format)
	}
	b.lock.Lock()
	defer b.lock.Unlock()
	b.counts = from.Counts
	return nil
}
