/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered lines (sluice.vdev.video.NumberedLines): what a buffer full of them tells about each byte of it, and what is at the first
 * byte that is wrong. A line is a packet of 188 bytes of a transport stream, or a line of a picture.
 */
#ifndef NUMBERED_H
#define NUMBERED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define NUMBERED_START 0x471fff10u
#define NUMBERED_HEADER 12 /* bytes from here on follow from the buffer's number, as bytes 4 to 7 do */
#define MOST_DIFFERENCES 3
#define SHOWN_BYTES 16

/* Lines that are the newest, those of an earlier buffer, those with what this program had put there, and others. */
struct tally {
	long right, old, wiped, other;
};

/* A buffer's contents. With fields, the even lines come before the odd ones. The buffer was full of `wiped` before. */
struct contents {
	const uint8_t *bytes;
	uint32_t length, count; /* of a line in bytes, and of all in lines */
	bool fields;
	uint8_t wiped;
};

/* Memory that is in each buffer twice: the first `length` bytes are also those that are `behind` bytes later. */
static struct {
	uint32_t length, behind;
} repeated;

static inline uint32_t number(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline const uint8_t *line_of(const struct contents *contents, uint32_t i)
{
	return contents->bytes + (uint64_t)i * contents->length;
}

static inline bool is_wiped(const struct contents *contents, uint32_t i)
{
	const uint8_t *line = line_of(contents, i);

	for (uint32_t at = 0; at < contents->length; at++)
		if (line[at] != contents->wiped)
			return false;
	return true;
}

/* Which line of the picture is the i-th of the buffer. */
static inline uint32_t index_of(const struct contents *contents, uint32_t i)
{
	uint32_t even = (contents->count + 1) / 2;

	if (!contents->fields)
		return i;
	return i < even ? 2 * i : 2 * (i - even) + 1;
}

/* What is to be at an offset of a buffer with a number. */
static inline uint8_t expected(const struct contents *contents, uint32_t offset, uint32_t buffer)
{
	uint32_t index = index_of(contents, offset / contents->length), at = offset % contents->length;

	if (at < 4)
		return (uint8_t)(NUMBERED_START >> 8 * (3 - at));
	if (at < 8)
		return (uint8_t)(buffer >> 8 * (7 - at));
	if (at < NUMBERED_HEADER)
		return (uint8_t)(index >> 8 * (11 - at));
	return (uint8_t)(buffer * 31 + index * 7 + at);
}

/* Whether a byte is what is to be there, or where its memory is in the buffer once more: a device may write these in any order. */
static inline bool is_expected(const struct contents *contents, uint32_t offset, uint32_t buffer)
{
	uint8_t found = contents->bytes[offset];

	if (found == expected(contents, offset, buffer))
		return true;
	if (offset < repeated.length)
		return found == expected(contents, offset + repeated.behind, buffer);
	return repeated.length > 0 && offset >= repeated.behind && found == expected(contents, offset - repeated.behind, buffer);
}

static inline bool is_repeated(const struct contents *contents, uint32_t i)
{
	return i * contents->length < repeated.length ||
	       (repeated.length > 0 && (i + 1) * contents->length > repeated.behind);
}

/* The first byte of a line that is not that of a buffer with a number; the line's length if all are. */
static inline uint32_t first_wrong(const struct contents *contents, uint32_t i, uint32_t buffer)
{
	for (uint32_t at = 0; at < contents->length; at++)
		if (!is_expected(contents, i * contents->length + at, buffer))
			return at;
	return contents->length;
}

static inline bool is_whole(const struct contents *contents, uint32_t i, uint32_t buffer)
{
	const uint8_t *line = line_of(contents, i);
	uint32_t index = index_of(contents, i);

	if (is_repeated(contents, i))
		return first_wrong(contents, i, buffer) == contents->length;
	if (number(line) != NUMBERED_START || number(line + 4) != buffer || number(line + 8) != index)
		return false;
	for (uint32_t at = NUMBERED_HEADER; at < contents->length; at++)
		if (line[at] != (uint8_t)(buffer * 31 + index * 7 + at))
			return false;
	return true;
}

/* Lines of which a part is repeated, and perhaps overwritten, tell no number of their own: one in the middle does. */
static inline uint32_t number_of(const struct contents *contents, uint32_t i)
{
	return number(line_of(contents, is_repeated(contents, i) ? contents->count / 2 : i) + 4);
}

static inline void print_difference(const struct contents *contents, uint32_t from, uint32_t length, uint32_t frame, int64_t buffer)
{
	uint32_t all = contents->count * contents->length, end = from + SHOWN_BYTES < all ? from + SHOWN_BYTES : all;

	printf("SLUICE diff frame %u offset %u length %u expected ", frame, from, length);
	for (uint32_t at = from; at < end; at++) {
		uint32_t i = at % contents->length;

		if (buffer < 0 && i >= 4 && (i < 8 || i >= NUMBERED_HEADER))
			printf("..");
		else
			printf("%02x", expected(contents, at, (uint32_t)buffer));
	}
	printf(" found ");
	for (uint32_t at = from; at < end; at++)
		printf("%02x", contents->bytes[at]);
	printf("\n");
}

/*
 * Whether all lines of a buffer are right: they have its number, which is greater than that of each before it. Of the first buffers
 * that are wrong it is told where; dots are bytes that follow from a number that nothing in the buffer tells.
 */
static inline bool look(const struct contents *contents, uint32_t frame, int64_t *newest, struct tally *tally)
{
	static int differences;
	uint32_t count = contents->count, right = 0, wrong = count, after = count;
	int64_t first = -1;

	for (uint32_t i = 0; i < count; i++) {
		bool good = false;

		if (is_wiped(contents, i)) {
			tally->wiped++;
		} else if (!is_whole(contents, i, number_of(contents, i))) {
			tally->other++;
		} else {
			int64_t buffer = number_of(contents, i);

			if (first < 0)
				first = buffer;
			good = buffer == first && buffer > *newest;
			if (good)
				right++;
			else
				tally->old++;
		}
		if (!good && wrong == count)
			wrong = i;
		if (good && wrong < count && after == count)
			after = i;
	}
	if (right < count && differences++ < MOST_DIFFERENCES) {
		int64_t known = first > *newest ? first : -1;
		uint32_t at = known < 0 ? 0 : first_wrong(contents, wrong, (uint32_t)known);

		print_difference(contents, wrong * contents->length + at, (after - wrong) * contents->length - at, frame, known);
	}
	tally->right += right;
	if (first > *newest)
		*newest = first;
	return right == count;
}

#endif
