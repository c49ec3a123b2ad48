/* JSON without a tree: values are places in the text. */

#include "gg_host.h"

#include <stdlib.h>
#include <string.h>

/* So that a hostile text cannot exhaust the stack. */
enum { MAX_DEPTH = 64 };

typedef struct {
  const char *at;
  const char *end;
} cursor;

static bool skip_value(cursor *c, int depth);

static void skip_space(cursor *c) {
  while (c->at < c->end && memchr(" \t\r\n", *c->at, 4)) c->at++;
}

static bool take(cursor *c, char wanted) {
  if (c->at == c->end || *c->at != wanted) return false;
  c->at++;
  return true;
}

static bool skip_word(cursor *c, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0) return false;
  c->at += length;
  return true;
}

static bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

static bool skip_digits(cursor *c) {
  const char *start = c->at;
  while (c->at < c->end && is_digit(*c->at)) c->at++;
  return c->at > start;
}

static bool skip_number(cursor *c) {
  take(c, '-');
  if (!take(c, '0') && !skip_digits(c)) return false;
  if (take(c, '.') && !skip_digits(c)) return false;
  if (take(c, 'e') || take(c, 'E')) {
    if (!take(c, '+')) take(c, '-');
    return skip_digits(c);
  }
  return true;
}

/* The length of the UTF-8 sequence at `at`; 0 if there is none. */
static size_t utf8_length(const unsigned char *at, size_t left) {
  unsigned char first = at[0];
  size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length > left) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  /* Overlong forms, surrogates, and what lies above U+10FFFF. */
  if (first == 0xe0 && at[1] < 0xa0) return 0;
  if (first == 0xed && at[1] > 0x9f) return 0;
  if (first == 0xf0 && at[1] < 0x90) return 0;
  if (first == 0xf4 && at[1] > 0x8f) return 0;
  return length;
}

static int hex_digit(char byte) {
  if (is_digit(byte)) return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

/* Four hexadecimal digits; -1 if they are not. */
static long hex4(const char *at, const char *end) {
  if (end - at < 4) return -1;
  long code = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(at[i]);
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code;
}

static bool skip_string(cursor *c) {
  if (!take(c, '"')) return false;
  while (c->at < c->end) {
    unsigned char byte = (unsigned char)*c->at;
    if (byte == '"') {
      c->at++;
      return true;
    }
    if (byte < 0x20) return false;
    if (byte == '\\') {
      c->at++;
      if (c->at == c->end) return false;
      if (*c->at == 'u') {
        if (hex4(c->at + 1, c->end) < 0) return false;
        c->at += 5;
      } else if (memchr("\"\\/bfnrt", *c->at, 8)) {
        c->at++;
      } else {
        return false;
      }
      continue;
    }
    size_t length = utf8_length((const unsigned char *)c->at, (size_t)(c->end - c->at));
    if (length == 0) return false;
    c->at += length;
  }
  return false;
}

static bool skip_key(cursor *c) {
  skip_space(c);
  if (!skip_string(c)) return false;
  skip_space(c);
  return take(c, ':');
}

static bool skip_items(cursor *c, int depth, char close, bool keyed) {
  skip_space(c);
  if (take(c, close)) return true;
  do {
    if ((keyed && !skip_key(c)) || !skip_value(c, depth + 1)) return false;
    skip_space(c);
  } while (take(c, ','));
  return take(c, close);
}

static bool skip_value(cursor *c, int depth) {
  if (depth > MAX_DEPTH) return false;
  skip_space(c);
  if (c->at == c->end) return false;
  switch (*c->at) {
    case '{': c->at++; return skip_items(c, depth, '}', true);
    case '[': c->at++; return skip_items(c, depth, ']', false);
    case '"': return skip_string(c);
    case 't': return skip_word(c, "true");
    case 'f': return skip_word(c, "false");
    case 'n': return skip_word(c, "null");
    default: return skip_number(c);
  }
}

gg_json_t gg_json_parse(const char *text, size_t length) {
  cursor c = {text, text + length};
  skip_space(&c);
  const char *start = c.at;
  if (!skip_value(&c, 0)) return (gg_json_t){0};
  gg_json_t value = {start, (size_t)(c.at - start)};
  skip_space(&c);
  return c.at == c.end ? value : (gg_json_t){0};
}

gg_json_t gg_json_get(gg_json_t object, const char *key) {
  gg_json_t found = {0};
  if (!object.at || object.at[0] != '{') return found;
  cursor c = {object.at + 1, object.at + object.length};
  for (;;) {
    skip_space(&c);
    gg_json_t name = {c.at, 0};
    if (!skip_string(&c)) return found;
    name.length = (size_t)(c.at - name.at);
    skip_space(&c);
    take(&c, ':');
    skip_space(&c);
    gg_json_t value = {c.at, 0};
    if (!skip_value(&c, 0)) return found;
    value.length = (size_t)(c.at - value.at);
    char *text = gg_json_string(name);
    /* As in most languages, the last one of equal names counts. */
    if (strcmp(text, key) == 0) found = value;
    free(text);
    skip_space(&c);
    if (!take(&c, ',')) return found;
  }
}

gg_json_t gg_json_item(gg_json_t array, size_t index) {
  if (!array.at || array.at[0] != '[') return (gg_json_t){0};
  cursor c = {array.at + 1, array.at + array.length};
  for (;; index--) {
    skip_space(&c);
    gg_json_t item = {c.at, 0};
    if (!skip_value(&c, 0)) return (gg_json_t){0};
    item.length = (size_t)(c.at - item.at);
    if (index == 0) return item;
    skip_space(&c);
    if (!take(&c, ',')) return (gg_json_t){0};
  }
}

bool gg_json_number(gg_json_t value, double *number) {
  if (!value.at || !(value.at[0] == '-' || is_digit(value.at[0]))) return false;
  /* The text goes on behind the number, but with nothing that belongs to one. */
  char *end;
  *number = strtod(value.at, &end);
  return end == value.at + value.length;
}

bool gg_json_is_true(gg_json_t value) {
  return value.at && value.at[0] == 't';
}

static char *put_utf8(char *out, unsigned long code) {
  if (code < 0x80) {
    *out++ = (char)code;
  } else if (code < 0x800) {
    *out++ = (char)(0xc0 | code >> 6);
    *out++ = (char)(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *out++ = (char)(0xe0 | code >> 12);
    *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    *out++ = (char)(0x80 | (code & 0x3f));
  } else {
    *out++ = (char)(0xf0 | code >> 18);
    *out++ = (char)(0x80 | (code >> 12 & 0x3f));
    *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    *out++ = (char)(0x80 | (code & 0x3f));
  }
  return out;
}

char *gg_json_string(gg_json_t value) {
  if (!value.at || value.at[0] != '"') return NULL;
  const char *end = value.at + value.length - 1;
  /* No escape is shorter than what it stands for. */
  char *text = malloc(value.length);
  if (!text) abort();
  char *out = text;
  for (const char *at = value.at + 1; at < end; at++) {
    if (*at != '\\') {
      *out++ = *at;
      continue;
    }
    at++;
    switch (*at) {
      case 'b': *out++ = '\b'; break;
      case 'f': *out++ = '\f'; break;
      case 'n': *out++ = '\n'; break;
      case 'r': *out++ = '\r'; break;
      case 't': *out++ = '\t'; break;
      case 'u': {
        unsigned long code = (unsigned long)hex4(at + 1, end);
        at += 4;
        bool high = code >= 0xd800 && code < 0xdc00;
        long low = high && end - at > 6 && at[1] == '\\' && at[2] == 'u' ? hex4(at + 3, end) : -1;
        if (low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (unsigned long)(low - 0xdc00);
          at += 6;
        } else if (code >= 0xd800 && code < 0xe000) {
          code = 0xfffd;
        }
        out = put_utf8(out, code);
        break;
      }
      default: *out++ = *at;
    }
  }
  *out = '\0';
  return text;
}

char *gg_json_quote(const char *text) {
  static const char hex[] = "0123456789abcdef";
  char *quoted = malloc(strlen(text) * 6 + 3);
  if (!quoted) abort();
  char *out = quoted;
  *out++ = '"';
  for (; *text; text++) {
    unsigned char byte = (unsigned char)*text;
    if (byte < 0x20) {
      memcpy(out, "\\u00", 4);
      out += 4;
      *out++ = hex[byte >> 4];
      *out++ = hex[byte & 15];
      continue;
    }
    if (byte == '"' || byte == '\\') *out++ = '\\';
    *out++ = (char)byte;
  }
  *out++ = '"';
  *out = '\0';
  return quoted;
}
