/*
 * A client of an X server that speaks the protocol (X11R7.7, X Window System Protocol) itself, and draws a picture that is known to the
 * pixel, in steps:
 *
 *   xpicture STEPS      1: a window over the whole screen, rectangles and an image; 2: and a rectangle of it moved; 3: and a small one
 *
 * It says "SLUICE mode WIDTH HEIGHT" and "SLUICE drawn STEPS" when the server has carried out everything, and keeps the window.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CREATE_WINDOW = 1, MAP_WINDOW = 8, GET_INPUT_FOCUS = 43, CREATE_GC = 55, CHANGE_GC = 56, COPY_AREA = 62, FILL = 70, PUT_IMAGE = 72 };
enum { BACKGROUND = 0x203040, IMAGE_SIDE = 64, RECTANGLES = 8 };

static int server;
static uint32_t root, window, gc;
static uint16_t width, height;
static uint8_t depth;

static void fail(const char *why) {
	printf("SLUICE error xpicture: %s\n", why);
	exit(1);
}

static void get(void *to, size_t size) {
	for (char *at = to; size; ) {
		ssize_t got = read(server, at, size);
		if (got <= 0) fail("the server has hung up");
		at += got;
		size -= (size_t)got;
	}
}

/* A request: its code, a byte, and numbers of 32 bits; `more` bytes of data follow. */
static void ask(uint8_t code, uint8_t detail, const uint32_t *numbers, size_t count, const void *data, size_t more) {
	uint32_t head = code | (uint32_t)detail << 8 | (uint32_t)(1 + count + more / 4) << 16;
	if (write(server, &head, 4) != 4 || write(server, numbers, count * 4) != (ssize_t)(count * 4)) fail("a request was not taken");
	for (const char *at = data; more; ) {
		ssize_t put = write(server, at, more);
		if (put <= 0) fail("data was not taken");
		at += put;
		more -= (size_t)put;
	}
}
#define ASK(code, detail, ...) ask(code, detail, (const uint32_t[]){ __VA_ARGS__ }, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, NULL, 0)
#define PAIR(x, y) ((uint32_t)(uint16_t)(x) | (uint32_t)(uint16_t)(y) << 16)

/* Waits until everything before has been carried out; an error of it ends the program. */
static void settle(void) {
	uint8_t reply[32];
	ask(GET_INPUT_FOCUS, 0, NULL, 0, NULL, 0);
	do {
		get(reply, sizeof reply);
		if (reply[0] == 0) {
			printf("SLUICE error xpicture: error %d of request %d\n", reply[1], reply[10]);
			exit(1);
		}
	} while (reply[0] != 1);
}

static void greet(void) {
	static const uint8_t hello[12] = { 'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	uint8_t head[8];
	if (write(server, hello, sizeof hello) != sizeof hello) fail("no connection");
	get(head, sizeof head);
	size_t size = 4 * (size_t)(head[6] | head[7] << 8);
	uint8_t *setup = malloc(size);
	if (head[0] != 1 || !setup) fail("the server refuses the connection");
	get(setup, size);
	uint32_t base;
	memcpy(&base, setup + 4, 4);
	const uint8_t *screen = setup + 32 + ((setup[16] | setup[17] << 8) + 3) / 4 * 4 + 8 * setup[21];
	memcpy(&root, screen, 4);
	memcpy(&width, screen + 20, 2);
	memcpy(&height, screen + 22, 2);
	depth = screen[38];
	window = base + 1;
	gc = base + 2;
	free(setup);
	if (depth != 24) fail("a screen that has not 24 bits a pixel");
}

static void fill(uint32_t colour, int x, int y, int w, int h) {
	ASK(CHANGE_GC, 0, gc, 1 << 2, colour);
	ASK(FILL, 0, window, gc, PAIR(x, y), PAIR(w, h));
}

static void picture(void) {
	static uint32_t image[IMAGE_SIDE * IMAGE_SIDE];
	ASK(CREATE_WINDOW, 0, window, root, PAIR(0, 0), PAIR(width, height), PAIR(0, 1), 0, 1 << 1 | 1 << 9, BACKGROUND, 1);
	ASK(CREATE_GC, 0, gc, window, 1 << 16, 0); /* without GraphicsExpose events */
	ASK(MAP_WINDOW, 0, window);
	for (int i = 0; i < RECTANGLES; i++) fill(0x010305u * (uint32_t)(20 * i + 9) & 0xffffff, 10 + 37 * i, 5 + 23 * i, 100 + 11 * i, 60 + 7 * i);
	for (int y = 0; y < IMAGE_SIDE; y++)
		for (int x = 0; x < IMAGE_SIDE; x++) image[y * IMAGE_SIDE + x] = (uint32_t)(4 * x << 16 | 4 * y << 8 | (x ^ y));
	uint32_t where[] = { window, gc, PAIR(IMAGE_SIDE, IMAGE_SIDE), PAIR(500, 300), (uint32_t)depth << 8 };
	ask(PUT_IMAGE, 2, where, 5, image, sizeof image);
}

int main(int count, char **arguments) {
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/tmp/.X11-unix/X0" };
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count != 2) fail("usage: xpicture STEPS");
	int steps = atoi(arguments[1]);
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address)) fail("no server");
	greet();
	printf("SLUICE mode %u %u\n", width, height);
	for (int step = 1; step <= steps; step++) {
		if (step == 1) picture();
		if (step == 2) ASK(COPY_AREA, 0, window, window, gc, PAIR(0, 0), PAIR(450, 250), PAIR(320, 200));
		if (step == 3) fill(0xfedcba, 700, 10, 33, 17);
		settle();
		printf("SLUICE drawn %d\n", step);
		char line[16];
		if (!fgets(line, sizeof line, stdin)) break;
	}
	return 0;
}
