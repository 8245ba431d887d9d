// go run first_call.go
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
)

func ask(gateway, key string) (string, error) {
	body, err := json.Marshal(map[string]any{
		"model":    "gpt-5.4-mini",
		"messages": []map[string]string{{"role": "user", "content": "Hello"}},
	})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequest("POST", gateway+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct {
		Choices []struct{ Message struct{ Content string } }
		Error   struct{ Message string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	if len(answer.Choices) == 0 {
		return "", errors.New(answer.Error.Message)
	}
	return answer.Choices[0].Message.Content, nil
}

func main() {
	text, err := ask("http://127.0.0.1:8080", os.Getenv("AIDUET_API_KEY"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(text)
}
