<?php
// php first_call.php (PHP 8 with its extension curl)

$call = curl_init('http://127.0.0.1:8080/v1/chat/completions');
curl_setopt_array($call, [
    CURLOPT_HTTPHEADER => ['Authorization: Bearer ' . getenv('AIDUET_API_KEY'), 'Content-Type: application/json'],
    CURLOPT_POSTFIELDS => json_encode([
        'model' => 'gpt-5.4-mini',
        'messages' => [['role' => 'user', 'content' => 'Hello']],
    ]),
    CURLOPT_RETURNTRANSFER => true,
]);
$body = curl_exec($call) ?: throw new RuntimeException(curl_error($call));
$answer = json_decode($body, flags: JSON_THROW_ON_ERROR);
if (isset($answer->error)) {
    throw new RuntimeException($answer->error->message);
}
echo $answer->choices[0]->message->content, PHP_EOL;
