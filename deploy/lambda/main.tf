# AI Duet on AWS Lambda with a function URL that streams, and a schedule for the work of the clock.
# docs/lambda.md tells how bootstrap.zip is built, what the secret holds, and why each number is what it is.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.29"
    }
  }
}

variable "secret" {
  description = "Name or ARN of a secret with database_url, anthropic_key, openai_key, token_secret and peppers"
  type        = string
}

variable "public_url" {
  description = "Where people reach the gateway, for example https://duet.example.com"
  type        = string
}

variable "subnets" {
  description = "Subnets from which the database and, through a NAT gateway, the providers can be reached"
  type        = list(string)
}

variable "security_groups" {
  description = "Security groups that may reach the database"
  type        = list(string)
}

variable "concurrency" {
  description = "Requests at the same time; four connections to the database for each"
  type        = number
  default     = 50
}

data "aws_secretsmanager_secret_version" "aiduet" {
  secret_id = var.secret
}

locals {
  secret = jsondecode(data.aws_secretsmanager_secret_version.aiduet.secret_string)
}

data "aws_iam_policy_document" "function" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name_prefix        = "aiduet-"
  assume_role_policy = data.aws_iam_policy_document.function.json
}

# Logs and network interfaces, nothing else: the function itself calls no service of AWS.
resource "aws_iam_role_policy_attachment" "function" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/aiduet"
  retention_in_days = 90
}

resource "aws_lambda_function" "aiduet" {
  function_name                  = "aiduet"
  role                           = aws_iam_role.function.arn
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = ["arm64"]
  filename                       = "${path.module}/bootstrap.zip"
  source_code_hash               = filebase64sha256("${path.module}/bootstrap.zip")
  memory_size                    = 1024
  timeout                        = 900
  reserved_concurrent_executions = var.concurrency

  vpc_config {
    subnet_ids         = var.subnets
    security_group_ids = var.security_groups
  }

  logging_config {
    log_format = "Text" # the lines are JSON already
    log_group  = aws_cloudwatch_log_group.function.name
  }

  environment {
    variables = {
      AIDUET_LAMBDA_STREAMING              = "true"
      AIDUET__SERVER__PUBLIC_URL           = var.public_url
      AIDUET__DATABASE__URL                = local.secret.database_url
      AIDUET__UPSTREAM__ANTHROPIC__API_KEY = local.secret.anthropic_key
      AIDUET__UPSTREAM__OPENAI__API_KEY    = local.secret.openai_key
      AIDUET__AUTH__TOKEN_SECRET           = local.secret.token_secret
      AIDUET__AUTH__PEPPERS                = local.secret.peppers
    }
  }

  depends_on = [aws_iam_role_policy_attachment.function]
}

resource "aws_lambda_function_url" "aiduet" {
  function_name      = aws_lambda_function.aiduet.function_name
  authorization_type = "NONE"
  invoke_mode        = "RESPONSE_STREAM"
}

# Whoever has the address may call it: the gateway asks for a key of its own.
resource "aws_lambda_permission" "url" {
  statement_id           = "url"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.aiduet.function_name
  principal              = "*"
  function_url_auth_type = "NONE"
}

# AWS asks for both.
resource "aws_lambda_permission" "function" {
  statement_id             = "function"
  action                   = "lambda:InvokeFunction"
  function_name            = aws_lambda_function.aiduet.function_name
  principal                = "*"
  invoked_via_function_url = true
}

data "aws_iam_policy_document" "scheduler" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "invoke" {
  statement {
    actions   = ["lambda:InvokeFunction"]
    resources = [aws_lambda_function.aiduet.arn]
  }
}

resource "aws_iam_role" "scheduler" {
  name_prefix        = "aiduet-clock-"
  assume_role_policy = data.aws_iam_policy_document.scheduler.json
}

resource "aws_iam_role_policy" "scheduler" {
  role   = aws_iam_role.scheduler.name
  policy = data.aws_iam_policy_document.invoke.json
}

# Resolves the holds of dead processes, sends mails, does the jobs that are due.
resource "aws_scheduler_schedule" "clock" {
  name                = "aiduet-clock"
  schedule_expression = "rate(1 minute)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.aiduet.arn
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({ aiduet = "jobs" })

    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = 60
    }
  }
}

output "url" {
  value = aws_lambda_function_url.aiduet.function_url
}
