/* What functions do on their own: inputs of arrays, what is made of scores, and lists in JSON. */

#include <gg_host.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(holds)                                                             \
  do {                                                                           \
    if (!(holds)) return fprintf(stderr, "line %d: %s\n", __LINE__, #holds), 1; \
  } while (0)

#define TYPE(name) GG_HOST_INFERENCE_ELEMENT_TYPE_##name

static bool is(char *text, const char *wanted) {
  bool equal = text && strcmp(text, wanted) == 0;
  free(text);
  return equal;
}

static int tensors(void) {
  int8_t row[8] = {1};
  gg_tensor_t x = gg_tensor("x", row, sizeof row, 1, 8);
  CHECK(x.rank == 2 && x.shape[1] == 8 && x.element == TYPE(I8) && x.size == 8);
  double number = 1;
  gg_tensor_t scalar = gg_tensor("number", &number, sizeof number);
  CHECK(scalar.rank == 0 && scalar.element == TYPE(FP64));

  gg_outputs_t outputs = {&x, 1};
  const int8_t *found;
  const float *floats;
  size_t count;
  CHECK(gg_output(&outputs, "x", &found, &count) && count == 8 && found[0] == 1);
  CHECK(!gg_output(&outputs, "x", &floats, &count) && strcmp(gg_error(), "x holds i8, not fp32") == 0);
  CHECK(!gg_output(&outputs, "y", &found, &count) && gg_error_kind() == GG_HOST_TYPES_ERROR_NOT_FOUND);
  return 0;
}

static int texts(void) {
  const char *const strings[] = {"", "\xc2\xb0\x43", "pump 1"};
  size_t size;
  char *data = gg_texts(strings, 3, &size);
  CHECK(memcmp(data, "\0\0\0\0\x03\0\0\0\xc2\xb0\x43", 11) == 0);
  gg_tensor_t x = gg_tensor_as("x", TYPE(TEXT), data, size, 3);
  CHECK(is(gg_text(&x, 0), "") && is(gg_text(&x, 1), strings[1]) && is(gg_text(&x, 2), "pump 1") && !gg_text(&x, 3));
  x.size--;
  CHECK(is(gg_text(&x, 1), strings[1]) && !gg_text(&x, 2));
  x.element = TYPE(U8);
  CHECK(!gg_text(&x, 0));
  free(data);
  return 0;
}

static int scores(void) {
  float stable[] = {1000, 1001}, endless[] = {INFINITY, 1, INFINITY}, none[] = {1, NAN};
  gg_softmax(stable, 2);
  CHECK(fabsf(stable[0] - 0.26894143f) < 1e-6f && fabsf(stable[1] - 0.7310586f) < 1e-6f);
  gg_softmax(endless, 3);
  CHECK(endless[0] == 0.5f && endless[1] == 0);
  gg_softmax(none, 2);
  CHECK(isnan(none[0]) && isnan(none[1]));

  const float all[] = {0.2f, NAN, 0.5f, 0.2f, -0.0f, 0.0f};
  gg_best_t best[9];
  CHECK(gg_top_k(all, 6, best, 3) == 3 && best[0].index == 2 && best[1].index == 0 && best[2].index == 3);
  CHECK(gg_top_k(all, 6, best, 9) == 5 && best[3].index == 4 && best[4].index == 5 && gg_top_k(all, 6, best, 0) == 0);
  CHECK(gg_argmax(all, 6) == 2 && gg_argmax(&all[1], 1) == 1 && gg_argmax(all, 0) == 0);

  const char *labels = "cat\r\n\nred panda\n";
  CHECK(is(gg_label(labels, 0), "cat") && is(gg_label(labels, 1), "") && is(gg_label(labels, 2), "red panda") && !gg_label(labels, 3));
  return 0;
}

static int items(void) {
  const char *text = " [1, [2, 3], {\"a\": [4]} ] ";
  gg_json_t list = gg_json_parse(text, strlen(text));
  double number;
  CHECK(gg_json_number(gg_json_item(list, 0), &number) && number == 1);
  CHECK(gg_json_number(gg_json_item(gg_json_item(list, 1), 1), &number) && number == 3);
  CHECK(gg_json_number(gg_json_item(gg_json_get(gg_json_item(list, 2), "a"), 0), &number) && number == 4);
  CHECK(!gg_json_item(list, 3).at && !gg_json_item(gg_json_item(list, 0), 0).at);
  CHECK(!gg_json_item(gg_json_parse("[]", 2), 0).at && !gg_json_item(gg_json_parse("[", 1), 0).at);
  return 0;
}

int main(void) {
  if (tensors() || texts() || scores() || items()) return 1;
  gg_info("all well");
  return 0;
}
