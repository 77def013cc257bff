/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers for devices to fill or to show, as dma-bufs of exporters that every kernel has, and how the programs that use them speak. A
 * program prints, for others to read:
 *
 *   SLUICE error CALL ERRNO     and exits with 1; another text where no call has failed
 *   SLUICE skip WHY             this kernel or driver has not what is asked for, and it exits with 4
 */
#ifndef BUFFERS_H
#define BUFFERS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <virtgpu_drm.h>

#define PAGE 4096u
#define SKIPPED 4
#define CARDS 8
#define PARAM_RESOURCE_BLOB 3 /* VIRTGPU_PARAM_RESOURCE_BLOB: the headers of this system may be older */

static inline _Noreturn void fail(const char *call)
{
	printf("SLUICE error %s %s\n", call, strerrorname_np(errno));
	exit(1);
}

__attribute__((format(printf, 1, 2))) static inline _Noreturn void fail_because(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("SLUICE error ");
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	exit(1);
}

__attribute__((format(printf, 1, 2))) static inline _Noreturn void skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("SLUICE skip ");
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	exit(SKIPPED);
}

static inline void call(int fd, unsigned long request, void *argument, const char *name)
{
	while (ioctl(fd, request, argument) < 0)
		if (errno != EINTR && errno != EAGAIN)
			fail(name);
}

#define CALL(fd, request, argument) call(fd, request, argument, #request)

static inline int open_or_fail(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	return fd;
}

/* What a kernel may not have. */
static inline int open_or_skip(const char *path, const char *option)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		skip("%s cannot be opened (%s): it needs %s", path, strerrorname_np(errno), option);
	return fd;
}

/* Zeroed memory that /dev/udmabuf takes; flags are those of memfd_create, besides. */
static inline int sealed_memory(size_t size, unsigned int flags)
{
	int memory = memfd_create("buffers", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	if (memory < 0 || ftruncate(memory, (off_t)size) < 0 || fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		fail("memfd_create");
	return memory;
}

/* A dma-buf of pages of a memfd, in the order of `pages`. */
static inline int listed_udmabuf(int memory, const uint32_t *pages, uint32_t count)
{
	int maker = open_or_skip("/dev/udmabuf", "CONFIG_UDMABUF");
	struct udmabuf_create_list *list = calloc(1, sizeof *list + count * sizeof list->list[0]);
	int fd;

	if (list == NULL)
		fail("calloc");
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = count;
	for (uint32_t i = 0; i < count; i++)
		list->list[i] = (struct udmabuf_create_item) {
			.memfd = (uint32_t)memory, .offset = (uint64_t)pages[i] * PAGE, .size = PAGE,
		};
	fd = ioctl(maker, UDMABUF_CREATE_LIST, list);
	if (fd < 0)
		fail("UDMABUF_CREATE_LIST");
	free(list);
	close(maker);
	return fd;
}

/* /dev/dri's card with a number, opened, if it is one of a driver; otherwise -1. */
static inline int numbered_card(int number, const char *driver)
{
	char path[32], name[32] = "";
	struct drm_version version = { .name = name, .name_len = sizeof name - 1 };
	int card;

	snprintf(path, sizeof path, "/dev/dri/card%d", number);
	card = open(path, O_RDWR | O_CLOEXEC);
	if (card < 0)
		return -1;
	if (ioctl(card, DRM_IOCTL_VERSION, &version) == 0 && strcmp(name, driver) == 0)
		return card;
	close(card);
	return -1;
}

/* The first card of a driver, or -1. */
static inline int drm_card(const char *driver)
{
	int card = -1;

	for (int i = 0; i < CARDS && card < 0; i++)
		card = numbered_card(i, driver);
	return card;
}

/* The first virtio-gpu with blobs, or without them, or -1. */
static inline int virtio_gpu(bool blobs)
{
	for (int i = 0; i < CARDS; i++) {
		int has = 0, card = numbered_card(i, "virtio_gpu");
		struct drm_virtgpu_getparam parameter = { .param = PARAM_RESOURCE_BLOB, .value = (uintptr_t)&has };

		if (card < 0)
			continue;
		if (ioctl(card, DRM_IOCTL_VIRTGPU_GETPARAM, &parameter) == 0 && (has != 0) == blobs)
			return card;
		close(card);
	}
	return -1;
}

/* As in include/uapi/drm/virtgpu_drm.h since Linux 5.16: these are in no headers of older distributions. */
struct create_blob {
	uint32_t mem, flags, handle, resource;
	uint64_t size;
	uint32_t pad, command_size;
	uint64_t command, blob_id;
};

#define CREATE_BLOB DRM_IOWR(DRM_COMMAND_BASE + 0x0a, struct create_blob)
#define MEM_GUEST 1
#define MEM_HOST3D 2
#define FLAG_USE_MAPPABLE 1
#define FLAG_USE_SHAREABLE 2
#define FLAG_USE_CROSS_DEVICE 4

/* Exports a buffer of a card, which is closed. */
static inline int exported_and_closed(int card, uint32_t handle)
{
	struct drm_prime_handle prime = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR, .fd = -1 };

	CALL(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	close(card);
	return prime.fd;
}

/* Guest memory of a virtio-gpu, exported, which other virtio devices know by a UUID. The card is closed. */
static inline int named_blob_of(int card, size_t size)
{
	struct create_blob create = {
		.mem = MEM_GUEST, .flags = FLAG_USE_MAPPABLE | FLAG_USE_SHAREABLE | FLAG_USE_CROSS_DEVICE, .size = size,
	};

	CALL(card, CREATE_BLOB, &create);
	return exported_and_closed(card, create.handle);
}

/* A dumb buffer of a card, exported by PRIME. The card is closed. */
static inline int dumb_buffer_of(int card, size_t size)
{
	/* 32 bits a pixel are all that virtio-gpu has; what they hold is the importer's business. */
	struct drm_mode_create_dumb create = { .width = PAGE / 4, .height = (uint32_t)(size / PAGE), .bpp = 32 };

	CALL(card, DRM_IOCTL_MODE_CREATE_DUMB, &create);
	return exported_and_closed(card, create.handle);
}

static inline int dumb_buffer(const char *driver, const char *option, size_t size)
{
	int card = drm_card(driver);

	if (card < 0)
		skip("no card of the driver %s: it needs %s", driver, option);
	return dumb_buffer_of(card, size);
}

static inline int heap_buffer(size_t size)
{
	int maker = open_or_skip("/dev/dma_heap/system", "CONFIG_DMABUF_HEAPS_SYSTEM");
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };

	CALL(maker, DMA_HEAP_IOCTL_ALLOC, &data);
	close(maker);
	return (int)data.fd;
}

/* User space tells what it is about to do, or has done, with the bytes of a dma-buf: DMA_BUF_SYNC_* of linux/dma-buf.h. */
static inline void sync_cpu(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	CALL(fd, DMA_BUF_IOCTL_SYNC, &sync);
}

#endif
