// go run first_call.go
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	body := strings.NewReader(`{
		"model": "gpt-5.4-mini",
		"messages": [{"role": "user", "content": "Hello"}]
	}`)
	request, err := http.NewRequest("POST", "http://127.0.0.1:8080/v1/chat/completions", body)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("AIDUET_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	var answer struct {
		Choices []struct{ Message struct{ Content string } }
		Error   struct{ Message string }
	}
	err = json.NewDecoder(response.Body).Decode(&answer)
	response.Body.Close()
	if err != nil {
		log.Fatal(err)
	}
	if len(answer.Choices) == 0 {
		log.Fatal(answer.Error.Message)
	}
	fmt.Println(answer.Choices[0].Message.Content)
}
