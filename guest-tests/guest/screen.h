/* SPDX-License-Identifier: Apache-2.0 */
/* A screen of a DRM card, used by the kernel's mode-setting interface: choosing it, showing framebuffers on it, and waiting. */
#ifndef SCREEN_H
#define SCREEN_H

#include <poll.h>
#include <stdbool.h>

#include <drm_fourcc.h>

#include "buffers.h"

#define FLIP_TIMEOUT_MS 20000
#define CURSOR_SIZE 64u
#define MOST_MODES 64
#define MOST_OBJECTS 32

struct screen {
	int card;
	uint32_t crtc, connector, width, height;
	struct drm_mode_modeinfo mode;
};

/* Takes the first connected connector of screen->card, its preferred mode (else its first) and a CRTC that can drive it. */
static inline void choose_screen(struct screen *screen)
{
	uint32_t crtcs[MOST_OBJECTS], connectors[MOST_OBJECTS];
	struct drm_mode_card_res resources = {
		.crtc_id_ptr = (uintptr_t)crtcs, .count_crtcs = MOST_OBJECTS,
		.connector_id_ptr = (uintptr_t)connectors, .count_connectors = MOST_OBJECTS,
	};

	CALL(screen->card, DRM_IOCTL_MODE_GETRESOURCES, &resources);
	for (uint32_t i = 0; i < resources.count_connectors && i < MOST_OBJECTS; i++) {
		struct drm_mode_modeinfo modes[MOST_MODES];
		uint32_t encoders[8];
		struct drm_mode_get_connector probe = { .connector_id = connectors[i] };
		struct drm_mode_get_connector found;
		struct drm_mode_get_encoder encoder = { 0 };

		/* A request for 0 modes makes the kernel probe the hardware again. */
		CALL(screen->card, DRM_IOCTL_MODE_GETCONNECTOR, &probe);
		if (probe.connection != 1 || probe.count_modes == 0)
			continue;
		found = (struct drm_mode_get_connector) {
			.connector_id = connectors[i],
			.modes_ptr = (uintptr_t)modes, .count_modes = MOST_MODES,
			.encoders_ptr = (uintptr_t)encoders, .count_encoders = 8,
		};
		if (probe.count_modes > MOST_MODES)
			fail_because("a connector with %u modes", probe.count_modes);
		CALL(screen->card, DRM_IOCTL_MODE_GETCONNECTOR, &found);
		if (found.count_encoders == 0)
			fail_because("connector %u has no encoder", connectors[i]);
		screen->mode = modes[0];
		for (uint32_t m = 0; m < found.count_modes; m++)
			if (modes[m].type & DRM_MODE_TYPE_PREFERRED) {
				screen->mode = modes[m];
				break;
			}
		encoder.encoder_id = encoders[0];
		CALL(screen->card, DRM_IOCTL_MODE_GETENCODER, &encoder);
		for (uint32_t c = 0; c < resources.count_crtcs && c < MOST_OBJECTS; c++)
			if (encoder.possible_crtcs & 1u << c) {
				screen->crtc = crtcs[c];
				screen->connector = connectors[i];
				screen->width = screen->mode.hdisplay;
				screen->height = screen->mode.vdisplay;
				return;
			}
		fail_because("no CRTC for connector %u", connectors[i]);
	}
	fail_because("no connected connector among %u", resources.count_connectors);
}

/* A framebuffer of XRGB8888 from a buffer of the card, as large as the screen; 0 and errno if the driver does not take it. */
static inline uint32_t add_framebuffer(const struct screen *screen, uint32_t handle, uint32_t pitch)
{
	struct drm_mode_fb_cmd2 add = {
		.width = screen->width, .height = screen->height, .pixel_format = DRM_FORMAT_XRGB8888,
		.handles = { handle }, .pitches = { pitch },
	};

	return ioctl(screen->card, DRM_IOCTL_MODE_ADDFB2, &add) < 0 ? 0 : add.fb_id;
}

/* Shows a framebuffer by setting the mode. */
static inline void set_mode(const struct screen *screen, uint32_t framebuffer)
{
	struct drm_mode_crtc set = {
		.crtc_id = screen->crtc, .fb_id = framebuffer,
		.set_connectors_ptr = (uintptr_t)&screen->connector, .count_connectors = 1,
		.mode = screen->mode, .mode_valid = 1,
	};

	CALL(screen->card, DRM_IOCTL_MODE_SETCRTC, &set);
}

static inline bool has_flipped(const struct screen *screen)
{
	char events[1024];
	ssize_t size = read(screen->card, events, sizeof events);

	if (size < 0)
		fail("reading events");
	for (ssize_t at = 0; at + (ssize_t)sizeof(struct drm_event) <= size;) {
		struct drm_event e;

		memcpy(&e, events + at, sizeof e);
		if (e.type == DRM_EVENT_FLIP_COMPLETE)
			return true;
		if (e.length < sizeof e)
			fail_because("an event of %u bytes", e.length);
		at += e.length;
	}
	return false;
}

/* Flips to a framebuffer, and waits for the event. */
static inline void flip_to(const struct screen *screen, uint32_t framebuffer)
{
	struct drm_mode_crtc_page_flip request = {
		.crtc_id = screen->crtc, .fb_id = framebuffer, .flags = DRM_MODE_PAGE_FLIP_EVENT,
	};
	struct pollfd ready = { .fd = screen->card, .events = POLLIN };

	CALL(screen->card, DRM_IOCTL_MODE_PAGE_FLIP, &request);
	do {
		int n = poll(&ready, 1, FLIP_TIMEOUT_MS);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fail_because("no flip event within %d ms", FLIP_TIMEOUT_MS);
	} while (!has_flipped(screen));
}

/* A dumb buffer of the card, mapped: it is at this offset of the card. */
static inline uint32_t *map_dumb(int card, uint32_t w, uint32_t h, uint32_t *handle, uint32_t *pitch, off_t *offset)
{
	struct drm_mode_create_dumb create = { .width = w, .height = h, .bpp = 32 };
	struct drm_mode_map_dumb map = { 0 };
	void *pixels;

	CALL(card, DRM_IOCTL_MODE_CREATE_DUMB, &create);
	map.handle = create.handle;
	CALL(card, DRM_IOCTL_MODE_MAP_DUMB, &map);
	pixels = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
	if (pixels == MAP_FAILED)
		fail("mmap of a dumb buffer");
	*handle = create.handle;
	*pitch = create.pitch;
	*offset = (off_t)map.offset;
	return pixels;
}

/*
 * A flip event of virtio-gpu means only that the commands are queued. A new cursor picture, however, is sent by a
 * fenced command on the same queue, and the kernel waits for that fence: when this returns, the device has completed
 * all earlier commands.
 */
static inline void wait_for_device(const struct screen *screen)
{
	static uint32_t handle;
	struct drm_mode_cursor2 cursor = {
		.flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE, .crtc_id = screen->crtc, .x = 8, .y = 8,
		.width = CURSOR_SIZE, .height = CURSOR_SIZE,
	};

	if (handle == 0) {
		uint32_t pitch;
		off_t offset;
		uint32_t *pixels = map_dumb(screen->card, CURSOR_SIZE, CURSOR_SIZE, &handle, &pitch, &offset);

		for (uint32_t y = 0; y < CURSOR_SIZE; y++)
			for (uint32_t x = 0; x < CURSOR_SIZE; x++)
				pixels[y * (pitch / 4) + x] = x <= y / 2 ? 0xFFFFFFFF : 0;
	}
	cursor.handle = handle;
	CALL(screen->card, DRM_IOCTL_MODE_CURSOR2, &cursor);
	cursor.flags = DRM_MODE_CURSOR_BO;
	cursor.handle = 0;
	CALL(screen->card, DRM_IOCTL_MODE_CURSOR2, &cursor);
}

#endif
