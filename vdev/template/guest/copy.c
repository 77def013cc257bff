/*
 * A driver for the copy engine that needs no kernel module: it runs in the guest, as root, under any kernel.
 *
 *   gcc -static -O2 -Wall -o copy copy.c
 *
 * It maps the engine's registers from sysfs, takes pages of its own and finds out where they are by /proc/self/pagemap, and
 * lets the engine copy between them. If the engine is bound to uio_pci_generic it waits for interrupts, otherwise it looks
 * at the status. This is for trying a device out: pages that are locked stay in memory but may still be moved by the
 * kernel, and behind an IOMMU physical addresses are not what a device sees. A driver that stays uses VFIO, or is in
 * the kernel.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The engine's registers: see Registers.java. */
enum {
	ID = 0x00, RESET = 0x04, STATUS = 0x08, INTERRUPT_ENABLE = 0x0c, SOURCE_LIST = 0x10, SOURCE_ENTRIES = 0x18,
	TARGET_LIST = 0x20, TARGET_ENTRIES = 0x28, DOORBELL = 0x30, ERROR_CODE = 0x34, FAULT_ADDRESS = 0x38, BYTES = 0x48,
	BUSY = 1, DONE = 2, ERROR = 4,
};

struct entry { /* little-endian, as x86 is */
	uint64_t address;
	uint32_t length;
	uint32_t flags;
};

enum { PAGE = 4096, PAGES = 16, SECONDS = 5 };

static volatile uint8_t *registers;
static int config, uio = -1;

static void die(const char *what) {
	perror(what);
	exit(1);
}

static void check(int good, const char *what) {
	if (good) return;
	printf("copy: FAILED: %s\n", what);
	exit(1);
}

static uint32_t get(int at) { return *(volatile uint32_t *)(registers + at); }
static void set(int at, uint32_t value) { *(volatile uint32_t *)(registers + at) = value; }
static uint64_t get64(int at) { return get(at) | (uint64_t)get(at + 4) << 32; }
static void set64(int at, uint64_t value) { set(at, value), set(at + 4, value >> 32); }

static unsigned long number(const char *folder, const char *file) {
	char path[512], text[32] = "";
	snprintf(path, sizeof path, "%s/%s", folder, file);
	int fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof text - 1) < 0) die(path);
	close(fd);
	return strtoul(text, NULL, 0);
}

/* Finds the engine, lets it decode its addresses and begin transfers, and maps its registers. */
static void attach(void) {
	static char folder[300];
	DIR *all = opendir("/sys/bus/pci/devices");
	struct dirent *one;
	if (!all) die("/sys/bus/pci/devices");
	while ((one = readdir(all))) {
		if (one->d_name[0] == '.') continue;
		snprintf(folder, sizeof folder, "/sys/bus/pci/devices/%s", one->d_name);
		if (number(folder, "vendor") == 0x1234 && number(folder, "device") == 0xc0b7) break;
	}
	check(one != NULL, "there is no copy engine on the PCI bus");
	closedir(all);

	char path[512];
	snprintf(path, sizeof path, "%s/config", folder);
	config = open(path, O_RDWR);
	uint16_t command;
	if (config < 0 || pread(config, &command, 2, 4) != 2) die(path);
	command |= 2 | 4; /* memory, bus master */
	if (pwrite(config, &command, 2, 4) != 2) die(path);

	snprintf(path, sizeof path, "%s/resource0", folder);
	int fd = open(path, O_RDWR);
	if (fd < 0) die(path);
	registers = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (registers == MAP_FAILED) die("the registers cannot be mapped");
	check(get(ID) == 0x59504f43, "the register ID does not read \"COPY\"");
	set(RESET, 1);
	printf("copy: found the engine at %s\n", folder);
}

/* Where a page of this process is: bits 0 to 54 of its entry (Documentation/admin-guide/mm/pagemap.rst). */
static uint64_t bus_address(const void *page) {
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry;
	if (fd < 0 || pread(fd, &entry, 8, (uintptr_t)page / PAGE * 8) != 8) die("/proc/self/pagemap");
	close(fd);
	check(entry >> 63 && (entry & ((1ULL << 55) - 1)), "a page is not in memory, or this is not root");
	return (entry & ((1ULL << 55) - 1)) * PAGE + (uintptr_t)page % PAGE;
}

static uint8_t *pages(int count) {
	void *memory = mmap(NULL, (size_t)count * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED) die("memory");
	memset(memory, 0, (size_t)count * PAGE);
	return memory;
}

/* The line is masked by the kernel with each interrupt; bit 10 of the command register unmasks it. */
static void unmask(void) {
	uint16_t command;
	if (pread(config, &command, 2, 4) != 2) die("command register");
	command &= ~(1 << 10);
	if (pwrite(config, &command, 2, 4) != 2) die("command register");
}

/* Rings the doorbell and waits for the end; returns the status. */
static uint32_t run(void) {
	set(STATUS, DONE | ERROR);
	if (uio >= 0) {
		uint32_t interrupts;
		unmask();
		set(INTERRUPT_ENABLE, DONE | ERROR);
		set(DOORBELL, 1);
		alarm(SECONDS); /* ends this program if no interrupt comes */
		if (read(uio, &interrupts, sizeof interrupts) != sizeof interrupts) die("/dev/uio0");
		alarm(0);
		check(!(get(STATUS) & BUSY), "the interrupt came before the end");
	} else {
		time_t end = time(NULL) + SECONDS;
		set(DOORBELL, 1);
		while (get(STATUS) & BUSY) check(time(NULL) <= end, "the engine does not come to an end");
	}
	return get(STATUS);
}

int main(void) {
	setvbuf(stdout, NULL, _IOLBF, 0);
	attach();
	uio = open("/dev/uio0", O_RDWR);
	printf("copy: waits %s\n", uio >= 0 ? "for interrupts" : "by looking at the status");

	/* Two buffers of many pages, which lie anywhere in the guest's memory. */
	uint8_t *source = pages(PAGES), *target = pages(PAGES);
	struct entry *sources = (void *)pages(1), *targets = (void *)pages(1);
	for (int i = 0; i < PAGES * PAGE; i++) source[i] = i * 7 + i / PAGE;

	/* The source's pages backwards, and each target page in two parts: the lists need not have the same pieces. */
	for (int i = 0; i < PAGES; i++) {
		sources[i] = (struct entry){bus_address(source + (PAGES - 1 - i) * PAGE), PAGE, 0};
		targets[2 * i] = (struct entry){bus_address(target + i * PAGE), 1000, 0};
		targets[2 * i + 1] = (struct entry){bus_address(target + i * PAGE) + 1000, PAGE - 1000, 0};
	}
	set64(SOURCE_LIST, bus_address(sources));
	set(SOURCE_ENTRIES, PAGES);
	set64(TARGET_LIST, bus_address(targets));
	set(TARGET_ENTRIES, 2 * PAGES);
	uint64_t before = get64(BYTES);
	check(run() == DONE, "the engine reports an error");
	for (int i = 0; i < PAGES; i++)
		check(!memcmp(target + i * PAGE, source + (PAGES - 1 - i) * PAGE, PAGE), "a page was not copied");
	check(get64(BYTES) - before == PAGES * PAGE, "the counter of bytes");
	printf("copy: copied %d bytes, all of them right\n", PAGES * PAGE);

	/* An address that is none of the guest's memory: the engine says which. */
	uint64_t nowhere = 1ULL << 45;
	sources[0].address = nowhere;
	check(run() == ERROR && get(ERROR_CODE) == 7 && get64(FAULT_ADDRESS) == nowhere, "a fault was not reported");
	printf("copy: a fault is reported at 0x%llx\n", (unsigned long long)get64(FAULT_ADDRESS));
	puts("copy: ok");
	return 0;
}
