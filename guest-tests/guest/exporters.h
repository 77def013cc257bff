/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers of all origins: of exporters that need more than a plain kernel as well, which are huge pages, a capture device beside the one
 * that is used, and a foreign device's BAR.
 */
#ifndef EXPORTERS_H
#define EXPORTERS_H

#include <dirent.h>
#include <linux/vfio.h>
#include <linux/videodev2.h>

#include "buffers.h"
#include "numbered.h"

#define BAR_FUNCTION "0000:00:1e.0" /* where sluice.guest.check.CheckMachine puts the device */
#define HUGE_PAGE (2u << 20)
#define HUGE_OF_2MIB (21u << 26) /* MFD_HUGE_2MB of linux/memfd.h */
#define HUGE_OFFSET 5u /* pages */
#define VIVID_WIDTH 320
#define VIVID_HEIGHT 180
#define MOST_BUFFERS 4 /* of one queue */
#define VIVID_WIDEST 2560

/* Of Linux 6.19 and later; the headers of this system may be older. */
#define FEATURE_DMA_BUF 11
struct feature_dma_buf {
	uint32_t region, open_flags, flags, ranges;
	struct {
		uint64_t offset, length;
	} range[1];
};

static inline void write_or_skip(const char *path, const char *text, const char *why)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		skip("%s cannot be written (%s): %s", path, strerrorname_np(errno), why);
	close(fd);
}

/*
 * A part of a huge page, from the sixth of its pages on. Huge pages come from the pool of the kernel, which is filled at need: in a
 * guest with its memory in use there may be none.
 */
static inline int huge_udmabuf(size_t size)
{
	uint32_t count = size / PAGE, *order = calloc(count, sizeof *order);
	void *touched;
	int memory, fd;

	if (order == NULL || size + HUGE_OFFSET * PAGE > HUGE_PAGE)
		fail("huge page");
	write_or_skip("/proc/sys/vm/nr_hugepages", "16", "it needs CONFIG_HUGETLBFS");
	memory = memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | HUGE_OF_2MIB);
	if (memory < 0 || ftruncate(memory, HUGE_PAGE) < 0 || fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		skip("no huge page of 2 MiB (%s): it needs CONFIG_HUGETLBFS, and free memory", strerrorname_np(errno));
	touched = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (touched == MAP_FAILED)
		skip("no huge page of 2 MiB is free (%s)", strerrorname_np(errno));
	munmap(touched, HUGE_PAGE);
	for (uint32_t i = 0; i < count; i++)
		order[i] = HUGE_OFFSET + i;
	fd = listed_udmabuf(memory, order, count);
	free(order);
	close(memory);
	return fd;
}

/* The video node whose name in sysfs contains a text, opened; -1 if there is none. */
static inline int video_node(const char *wanted)
{
	DIR *nodes = opendir("/sys/class/video4linux");
	struct dirent *node;
	int found = -1;

	while (nodes != NULL && found < 0 && (node = readdir(nodes)) != NULL) {
		char path[300], name[64] = "";
		FILE *file;

		snprintf(path, sizeof path, "/sys/class/video4linux/%s/name", node->d_name);
		file = fopen(path, "re");
		if (file == NULL)
			continue;
		if (fgets(name, sizeof name, file) != NULL && strstr(name, wanted) != NULL) {
			snprintf(path, sizeof path, "/dev/%s", node->d_name);
			found = open_or_fail(path);
		}
		fclose(file);
	}
	if (nodes != NULL)
		closedir(nodes);
	return found;
}

/* A capture buffer of a queue that has `count` of them in its memory, exported. */
static inline int exported(int device, uint32_t index)
{
	struct v4l2_exportbuffer export = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .index = index, .flags = O_RDWR | O_CLOEXEC,
	};

	if (ioctl(device, VIDIOC_EXPBUF, &export) < 0) {
		if (errno == ENOTTY || errno == EINVAL)
			skip("the driver exports no buffers: VIDIOC_EXPBUF %s", strerrorname_np(errno));
		fail("VIDIOC_EXPBUF");
	}
	return export.fd;
}

/* Of the driver vivid, with contiguous buffers (its parameter allocators=1): longer than what is asked for. */
static inline int vivid_buffer(size_t size, uint32_t index, uint32_t count)
{
	static int vivid = -1;

	if (vivid < 0) {
		struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
		struct v4l2_requestbuffers request = {
			.count = count, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP,
		};

		vivid = video_node("vivid");
		if (vivid < 0)
			skip("no video node of the driver vivid: it needs CONFIG_VIDEO_VIVID");
		CALL(vivid, VIDIOC_G_FMT, &format);
		format.fmt.pix.width = VIVID_WIDTH;
		format.fmt.pix.height = VIVID_HEIGHT;
		CALL(vivid, VIDIOC_S_FMT, &format);
		while (format.fmt.pix.sizeimage < size && format.fmt.pix.width < VIVID_WIDEST) {
			format.fmt.pix.width *= 2;
			format.fmt.pix.height *= 2;
			CALL(vivid, VIDIOC_S_FMT, &format);
		}
		if (format.fmt.pix.sizeimage < size)
			skip("vivid has no picture of %zu bytes", size);
		CALL(vivid, VIDIOC_REQBUFS, &request);
		if (request.count < count)
			skip("vivid has memory for %u buffers", request.count);
	}
	return exported(vivid, index);
}

/* A BAR, and where the CPU reaches it. */
struct bar {
	int device;
	uint64_t offset, size;
	uint32_t region;
};

/* BAR 2 of QEMU's ivshmem-plain, which is memory, by vfio-pci. */
static inline struct bar foreign_bar(void)
{
	static const char *const at = "/sys/bus/pci/devices/" BAR_FUNCTION;
	struct vfio_region_info region = { .argsz = sizeof region, .index = VFIO_PCI_BAR2_REGION_INDEX };
	char path[128], link[256] = "", group[32];
	int container, fd, device;

	snprintf(path, sizeof path, "%s/driver_override", at);
	write_or_skip(path, "vfio-pci", "there is no ivshmem-plain at " BAR_FUNCTION);
	write_or_skip("/sys/bus/pci/drivers_probe", BAR_FUNCTION, "PCI devices cannot be probed");
	snprintf(path, sizeof path, "%s/iommu_group", at);
	if (readlink(path, link, sizeof link - 1) < 0)
		skip("the device whose BAR is used has no IOMMU group, which vfio-pci needs");
	snprintf(group, sizeof group, "/dev/vfio/%s", strrchr(link, '/') + 1);
	container = open_or_skip("/dev/vfio/vfio", "CONFIG_VFIO");
	fd = open_or_skip(group, "CONFIG_VFIO_PCI");
	CALL(fd, VFIO_GROUP_SET_CONTAINER, &container);
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
		fail("VFIO_SET_IOMMU");
	device = ioctl(fd, VFIO_GROUP_GET_DEVICE_FD, BAR_FUNCTION);
	if (device < 0)
		fail("VFIO_GROUP_GET_DEVICE_FD");
	CALL(device, VFIO_DEVICE_GET_REGION_INFO, &region);
	return (struct bar) { device, region.offset, region.size, region.index };
}

static inline int bar_buffer(const struct bar *bar, size_t size, uint32_t index)
{
	union {
		struct vfio_device_feature header;
		uint8_t bytes[sizeof(struct vfio_device_feature) + sizeof(struct feature_dma_buf)];
	} message = { .header = { .argsz = sizeof message, .flags = VFIO_DEVICE_FEATURE_GET | FEATURE_DMA_BUF } };
	struct feature_dma_buf *wanted = (void *)(message.bytes + sizeof message.header);
	int fd;

	*wanted = (struct feature_dma_buf) {
		.region = bar->region, .open_flags = O_RDWR | O_CLOEXEC, .ranges = 1, .range = { { index * size, size } },
	};
	fd = ioctl(bar->device, VFIO_DEVICE_FEATURE, &message);
	if (fd < 0)
		skip("vfio-pci exports no BAR (%s): it needs CONFIG_VFIO_PCI_DMABUF of Linux 6.19", strerrorname_np(errno));
	return fd;
}

/* Single pages of a memfd, last first; twice: the last of the buffer is the first once more. */
static inline int paged_udmabuf(size_t size, bool twice)
{
	uint32_t count = size / PAGE, *order = calloc(count, sizeof *order);
	int memory = sealed_memory(size, 0), fd;

	if (order == NULL)
		fail("calloc");
	for (uint32_t i = 0; i < count; i++)
		order[i] = count - 1 - i;
	if (twice)
		order[count - 1] = order[0];
	fd = listed_udmabuf(memory, order, count);
	free(order);
	close(memory);
	return fd;
}

enum memory { MMAP, EXPBUF, USERPTR, UDMABUF, HUGE, TWICE, DUMB, BLOB, VGEM, HEAP, VIVID, BAR, OBJECT };
static const char *const memories[] = {
	"mmap", "expbuf", "userptr", "udmabuf", "udmabuf-huge", "udmabuf-twice", "dumb", "blob", "vgem", "heap", "vivid", "bar", "object",
};

/* A buffer: the dma-buf, or -1 if it is none, and what is mapped to reach it; an anonymous mapping if that is -1. */
struct buffer {
	int fd, mapped_fd;
	off_t offset;
	uint8_t *bytes;
};

/* Makes a buffer of so many bytes, for a picture that begins in its last page at the latest. The driver's own are made already. */
static inline void make(enum memory memory, int device, uint32_t index, size_t size, uint32_t picture, struct buffer *buffer)
{
	static struct bar bar;
	int fd = -1, card;

	switch (memory) {
	case MMAP:
	case USERPTR:
		break;
	case EXPBUF:
		fd = exported(device, index);
		break;
	case UDMABUF:
		fd = paged_udmabuf(size, false);
		break;
	case TWICE:
		if (size < 3 * PAGE)
			skip("a picture of %u bytes has no page in the middle", picture);
		fd = paged_udmabuf(size, true);
		repeated.behind = size - PAGE;
		repeated.length = picture - repeated.behind;
		break;
	case HUGE:
		fd = huge_udmabuf(size);
		break;
	case DUMB:
	case BLOB:
		card = virtio_gpu(memory == BLOB);
		if (card < 0)
			skip("no card of the driver virtio_gpu with%s blobs: it needs CONFIG_DRM_VIRTIO_GPU", memory == BLOB ? "" : "out");
		fd = dumb_buffer_of(card, size);
		break;
	case OBJECT:
		card = virtio_gpu(true);
		if (card < 0)
			skip("no card of the driver virtio_gpu with blobs: it needs CONFIG_DRM_VIRTIO_GPU");
		fd = named_blob_of(card, size);
		break;
	case VGEM:
		fd = dumb_buffer("vgem", "CONFIG_DRM_VGEM", size);
		break;
	case HEAP:
		fd = heap_buffer(size);
		break;
	case VIVID:
		fd = vivid_buffer(size, index, MOST_BUFFERS);
		break;
	case BAR:
		if (bar.size == 0)
			bar = foreign_bar();
		*buffer = (struct buffer) {
			.fd = bar_buffer(&bar, size, index), .mapped_fd = bar.device, .offset = (off_t)(bar.offset + index * size),
		};
		return;
	}
	*buffer = (struct buffer) { .fd = fd, .mapped_fd = fd };
}

#endif
