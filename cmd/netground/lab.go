package main

type labCommand struct{}
