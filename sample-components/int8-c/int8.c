/* Runs a model that takes and gives integers of 8 bits, for messages with real numbers. */

#include <gg_host.h>
#include <math.h>

enum { TAKEN = 8, GIVEN = 4 };

/* What the model was quantised with: a number is (integer - zero) * scale. */
static const double in_scale = 0.05, in_zero = 3, out_scale = 0.15, out_zero = -5;

static gg_outcome_t answer(const gg_outputs_t *outputs) {
  const int8_t *y;
  size_t count;
  if (!gg_output(outputs, "y", &y, &count)) return gg_failed();
  if (count != GIVEN) return gg_reject("the model gives %zu numbers", count);
  double out[GIVEN];
  for (size_t i = 0; i < GIVEN; i++) out[i] = (y[i] - out_zero) * out_scale;
  if (!gg_publish_json("signals/out", "[%g,%g,%g,%g]", out[0], out[1], out[2], out[3])) return gg_failed();
  return gg_done();
}

gg_outcome_t gg_handle(const gg_message_t *message) {
  gg_json_t numbers = gg_json_parse(message->payload, message->length);
  int8_t x[TAKEN];
  for (size_t i = 0; i < TAKEN; i++) {
    double number;
    if (!gg_json_number(gg_json_item(numbers, i), &number)) return gg_reject("not a list of %d numbers", TAKEN);
    x[i] = (int8_t)fmax(INT8_MIN, fmin(INT8_MAX, round(number / in_scale) + in_zero));
  }
  gg_tensor_t input = gg_tensor("x", x, sizeof x, 1, TAKEN);
  gg_outputs_t outputs;
  if (!gg_run("int8", &input, 1, &outputs)) return gg_failed();
  gg_outcome_t outcome = answer(&outputs);
  gg_outputs_free(&outputs);
  return outcome;
}
