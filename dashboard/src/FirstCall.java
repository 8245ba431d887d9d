// java FirstCall.java
import java.io.IOException;
import java.io.StreamTokenizer;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

class FirstCall {
    public static void main(String[] arguments) throws Exception {
        var body = """
            {
              "model": "gpt-5.4-mini",
              "messages": [{"role": "user", "content": "Hello"}]
            }""";
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:8080/v1/chat/completions"))
            .header("Authorization", "Bearer " + System.getenv("AIDUET_API_KEY"))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build();
        var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IOException(text(answer.body(), "message"));
        }
        System.out.println(text(answer.body(), "content"));
    }

    /** Java itself cannot read JSON. This is enough for one text; for more, take a library. */
    static String text(String json, String name) throws IOException {
        var words = new StreamTokenizer(new StringReader(json));
        while (words.nextToken() != StreamTokenizer.TT_EOF) {
            if (name.equals(words.sval) && words.nextToken() == ':' && words.nextToken() == '"') {
                return words.sval;
            }
        }
        return json;
    }
}
