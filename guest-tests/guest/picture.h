/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_PICTURE_H
#define SLUICE_PICTURE_H

#include <stdint.h>

/*
 * The test picture: pixel (x, y) of frame n on a screen of w x h pixels, as 0x00RRGGBB. Class sluice.guest.TestPattern computes
 * the same numbers, so a picture can be judged exactly. All arithmetic is unsigned 32-bit and wraps; division drops the rest;
 * w and h are at least 32; q = h / 4. Where several rules name a pixel, the last one wins.
 *
 *  A  y < q             eight colour bars: i = x*8/w; red is 255 unless bit 1 of i is set, green bit 2, blue bit 0
 *  B  q <= y < 2q       gradients: red = x*255/(w-1), green = (y-q)*255/(q-1), blue = 255 - red
 *  C  2q <= y < 3q      left half (x < w/2): a checker of single pixels, white where x+y is odd, else black; right half: noise,
 *                       v = x*0x9E3779B1 + y*0x85EBCA77; v ^= v>>15; v *= 0x2C1B3C6D; v ^= v>>12; its low 24 bits. No two
 *                       rows, pages or tiles of it are alike: whatever is shifted or swapped shows
 *  D  3q <= y           red = (x^y)&255, green = (x+y)&255, blue = (x-y)&255
 *  E  the edges         row 0 red, row h-1 green, then column 0 blue, column w-1 yellow: one pixel wide
 *  F  the corners       8x8 pixels: top left white, top right cyan, bottom left magenta, bottom right black
 *  G  the moving bar    w/16 columns from column (8n mod w) on, going round at the right edge: the colour is inverted
 *  H  the frame number  only if w >= 160: rows 2q-8 .. 2q-1, columns 16 .. 143; column block k = (x-16)/8 is white if bit k
 *                       of n is set, else black
 */
static inline uint32_t picture_bar_start(uint32_t w, uint32_t n)
{
	return n * 8 % w;
}

static inline uint32_t picture_pixel(uint32_t x, uint32_t y, uint32_t w, uint32_t h, uint32_t n)
{
	uint32_t q = h / 4;
	uint32_t rgb;

	if (y < q) {
		uint32_t i = x * 8 / w;
		rgb = (i & 2 ? 0 : 0xFF0000) | (i & 4 ? 0 : 0x00FF00) | (i & 1 ? 0 : 0x0000FF);
	} else if (y < 2 * q) {
		uint32_t red = x * 255 / (w - 1);
		uint32_t green = (y - q) * 255 / (q - 1);
		rgb = red << 16 | green << 8 | (255 - red);
	} else if (y < 3 * q) {
		if (x < w / 2) {
			rgb = (x + y) & 1 ? 0xFFFFFF : 0;
		} else {
			uint32_t v = x * 0x9E3779B1u + y * 0x85EBCA77u;
			v ^= v >> 15;
			v *= 0x2C1B3C6Du;
			v ^= v >> 12;
			rgb = v & 0xFFFFFF;
		}
	} else {
		rgb = ((x ^ y) & 255) << 16 | ((x + y) & 255) << 8 | ((x - y) & 255);
	}

	if (y == 0)
		rgb = 0xFF0000;
	if (y == h - 1)
		rgb = 0x00FF00;
	if (x == 0)
		rgb = 0x0000FF;
	if (x == w - 1)
		rgb = 0xFFFF00;

	if (y < 8 && x < 8)
		rgb = 0xFFFFFF;
	if (y < 8 && x >= w - 8)
		rgb = 0x00FFFF;
	if (y >= h - 8 && x < 8)
		rgb = 0xFF00FF;
	if (y >= h - 8 && x >= w - 8)
		rgb = 0x000000;

	if ((x + w - picture_bar_start(w, n)) % w < w / 16)
		rgb ^= 0xFFFFFF;

	if (w >= 160 && y >= 2 * q - 8 && y < 2 * q && x >= 16 && x < 144)
		rgb = n >> (x - 16) / 8 & 1 ? 0xFFFFFF : 0;
	return rgb;
}

#endif
