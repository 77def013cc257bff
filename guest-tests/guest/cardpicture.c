// SPDX-License-Identifier: Apache-2.0
/*
 * cardpicture DRIVER PICTURES: shows what a capture card captures, on a virtio-gpu, in place. The card's driver is the stock one, dt3155 or
 * tw686x, and the picture is in its buffers; the GPU has it as a resource by the UUID that the card has in its configuration space, for its
 * first channel. Nothing is imported.
 *
 *   SLUICE shown N WIDTH HEIGHT   the device has completed every command for the last picture, of number N or later; the screen has its first
 *                                 bytes, four in a pixel. A line on standard input lets the program go on
 *   SLUICE stopped                the card captures no more; a line lets the program end
 */
#define _GNU_SOURCE
#include "context.h"
#include "exporters.h"
#include "screen.h"

#define CONFIG_BYTES 256
#define CAPABILITIES 0x34
#define VENDOR_SPECIFIC 9
#define OBJECT 0x4f53 /* 'S', 'O' */
#define CHANNEL_AT 6
#define UUID_AT 8
#define CAPTURED 16 /* buffers of the card: so many pictures may pass until a picture is flushed */
#define LIMIT_S 120

static const uint32_t CAPTURE = V4L2_BUF_TYPE_VIDEO_CAPTURE;
static int source;
static const uint8_t *buffers[CAPTURED];

static const struct card {
	const char *driver; /* in the name of its video nodes, of which the first is that of its first channel */
	const char *node;
	uint16_t vendor;
	uint32_t number_at; /* where a picture has its number */
} cards[] = {
	{ "dt3155", "dt3155", 0x8086, 0 },
	{ "tw686x", "tw686", 0x1797, 4 },
};

/* The UUID in a vendor-specific capability of a function; false if it has none. */
static bool find_uuid(const uint8_t *config, uint8_t uuid[16])
{
	for (uint32_t at = config[CAPABILITIES]; at != 0 && at < CONFIG_BYTES - UUID_AT - 16; at = config[at + 1])
		if (config[at] == VENDOR_SPECIFIC && (config[at + 4] | config[at + 5] << 8) == OBJECT && config[at + CHANNEL_AT] == 0) {
			memcpy(uuid, config + at + UUID_AT, 16);
			return true;
		}
	return false;
}

static void read_uuid(const struct card *card, uint8_t uuid[16])
{
	DIR *functions = opendir("/sys/bus/pci/devices");
	struct dirent *function;

	while (functions != NULL && (function = readdir(functions)) != NULL) {
		char path[300];
		uint8_t config[CONFIG_BYTES] = { 0 };
		int fd;

		snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/config", function->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (read(fd, config, sizeof config) < 0)
			fail(path);
		close(fd);
		if ((config[0] | config[1] << 8) == card->vendor && find_uuid(config, uuid)) {
			closedir(functions);
			return;
		}
	}
	skip("no card of the driver %s has the UUID of an object: it needs the option export", card->driver);
}

static void queue(uint32_t index)
{
	struct v4l2_buffer buffer = { .type = CAPTURE, .memory = V4L2_MEMORY_MMAP, .index = index };

	CALL(source, VIDIOC_QBUF, &buffer);
}

static uint32_t captured(void)
{
	struct v4l2_buffer buffer = { .type = CAPTURE, .memory = V4L2_MEMORY_MMAP };

	CALL(source, VIDIOC_DQBUF, &buffer);
	if (buffer.flags & V4L2_BUF_FLAG_ERROR)
		fail_because("the card's buffer %u came back with an error", buffer.index);
	return buffer.index;
}

static int first_node(const struct card *card)
{
	for (int i = 0; i < 64; i++) {
		char path[64], name[64] = "";
		FILE *file;

		snprintf(path, sizeof path, "/sys/class/video4linux/video%d/name", i);
		file = fopen(path, "re");
		if (file == NULL)
			continue;
		if (fgets(name, sizeof name, file) == NULL)
			name[0] = '\0';
		fclose(file);
		snprintf(path, sizeof path, "/dev/video%d", i);
		if (strstr(name, card->node) != NULL)
			return open_or_fail(path);
	}
	skip("no video node of the driver %s", card->driver);
}

/* Returns the bytes of a picture. */
static uint32_t set_up(const struct card *card)
{
	struct v4l2_format format = { .type = CAPTURE };
	struct v4l2_requestbuffers request = { .count = CAPTURED, .type = CAPTURE, .memory = V4L2_MEMORY_MMAP };

	source = first_node(card);
	CALL(source, VIDIOC_G_FMT, &format);
	CALL(source, VIDIOC_REQBUFS, &request);
	if (request.count != CAPTURED)
		fail_because("%u buffers of %u", request.count, CAPTURED);
	for (uint32_t i = 0; i < CAPTURED; i++) {
		struct v4l2_buffer buffer = { .type = CAPTURE, .memory = V4L2_MEMORY_MMAP, .index = i };
		void *bytes;

		CALL(source, VIDIOC_QUERYBUF, &buffer);
		bytes = mmap(NULL, buffer.length, PROT_READ, MAP_SHARED, source, (off_t)buffer.m.offset);
		if (bytes == MAP_FAILED)
			fail("mmap of a buffer of the card");
		buffers[i] = bytes;
		queue(i);
	}
	return format.fmt.pix.sizeimage;
}

static void answered(void)
{
	char line[16];

	if (fgets(line, sizeof line, stdin) == NULL)
		exit(1);
}

int main(int count, char **arguments)
{
	long pictures = count == 3 ? strtol(arguments[2], NULL, 10) : 0;
	const struct card *card = NULL;
	uint32_t framebuffer = 0, handle, bytes;
	struct screen screen;
	uint8_t uuid[16];

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; pictures > 0 && i < sizeof cards / sizeof *cards; i++)
		if (strcmp(cards[i].driver, arguments[1]) == 0)
			card = &cards[i];
	if (card == NULL) {
		fprintf(stderr, "usage: cardpicture dt3155|tw686x PICTURES\n");
		return 2;
	}
	alarm(LIMIT_S);
	screen.card = virtio_gpu(true);
	if (screen.card < 0)
		skip("no card of the driver virtio_gpu has blobs");
	choose_screen(&screen);
	make_context(screen.card);
	read_uuid(card, uuid);
	bytes = set_up(card);
	if ((uint64_t)screen.width * screen.height * 4 > bytes)
		skip("a picture of %u bytes does not fill a screen of %ux%u", bytes, screen.width, screen.height);
	CALL(source, VIDIOC_STREAMON, (void *)&CAPTURE);
	for (long n = 1; n <= pictures; n++) {
		uint32_t index = captured();

		if (n == 1) {
			handle = resource_of_object(screen.card, uuid, 1, bytes);
			framebuffer = add_framebuffer(&screen, handle, screen.width * 4);
			if (framebuffer == 0)
				fail("DRM_IOCTL_MODE_ADDFB2");
			set_mode(&screen, framebuffer);
		}
		flip_to(&screen, framebuffer);
		if (n == pictures) {
			wait_for_device(&screen);
			printf("SLUICE shown %u %u %u\n", number(buffers[index] + card->number_at), screen.width, screen.height);
			answered();
		}
		queue(index);
	}
	CALL(source, VIDIOC_STREAMOFF, (void *)&CAPTURE);
	flip_to(&screen, framebuffer);
	wait_for_device(&screen);
	printf("SLUICE stopped\n");
	answered();
	return 0;
}
