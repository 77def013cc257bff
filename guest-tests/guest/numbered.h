/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered lines (sluice.vdev.video.NumberedLines): what a buffer full of them tells about each byte of it. A line is a packet of 188
 * bytes of a transport stream, or a line of a picture.
 */
#include <stdbool.h>
#include <stdint.h>

#define NUMBERED_START 0x471fff10u
#define NUMBERED_HEADER 12

/* Lines that are the newest, those of an earlier buffer, those with what this program had put there, and others. */
struct tally {
	long right, old, wiped, other;
};

static inline uint32_t number(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static inline bool is_full_of(const uint8_t *line, uint32_t length, uint8_t value)
{
	for (uint32_t i = 0; i < length; i++)
		if (line[i] != value)
			return false;
	return true;
}

static inline bool is_whole(const uint8_t *line, uint32_t length, uint32_t index)
{
	uint32_t buffer = number(line + 4);

	if (number(line) != NUMBERED_START || number(line + 8) != index)
		return false;
	for (uint32_t i = NUMBERED_HEADER; i < length; i++)
		if (line[i] != (uint8_t)(buffer * 31 + index * 7 + i))
			return false;
	return true;
}

/*
 * Whether all lines of a buffer are right: they have its number, which is greater than that of each before it. With fields, the even
 * lines come before the odd ones. The buffer was full of `wiped` before.
 */
static inline bool look(const uint8_t *bytes, uint32_t length, uint32_t count, bool fields, uint8_t wiped,
			int64_t *newest, struct tally *tally)
{
	uint32_t right = 0, even = fields ? (count + 1) / 2 : count;
	int64_t first = -1;

	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *line = bytes + (uint64_t)i * length;
		uint32_t index = !fields ? i : i < even ? 2 * i : 2 * (i - even) + 1;

		if (is_full_of(line, length, wiped)) {
			tally->wiped++;
		} else if (!is_whole(line, length, index)) {
			tally->other++;
		} else {
			int64_t buffer = number(line + 4);

			if (first < 0)
				first = buffer;
			if (buffer == first && buffer > *newest)
				right++;
			else
				tally->old++;
		}
	}
	tally->right += right;
	if (first > *newest)
		*newest = first;
	return right == count;
}
