/* Prints what the C headers of this machine say, one "name=value" a line, for NativeLayoutTest. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/input.h>
#include <linux/magic.h>
#include <linux/udmabuf.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* The C library's limits.h names it only for X/Open; the kernel's header clashes with it. */
#ifndef IOV_MAX
#define IOV_MAX sysconf(_SC_IOV_MAX)
#endif

#define NUMBER(name, value) printf("%s=%lld\n", name, (long long) (value))
#define CONSTANT(name) NUMBER(#name, name)
#define SIZE(type) NUMBER("sizeof " #type, sizeof(struct type))
#define OFFSET(type, field) NUMBER(#field, offsetof(struct type, field))

static void error_number(const char *name, int number)
{
    NUMBER(name, number);
    printf("strerror %d=%s\n", number, strerror(number));
}

static void structures(void)
{
    static const int counts[] = {1, 2, 32, 33};
    sigset_t set;
    unsigned long long first_word = 0;

    SIZE(msghdr);
    OFFSET(msghdr, msg_iov);
    OFFSET(msghdr, msg_iovlen);
    OFFSET(msghdr, msg_control);
    OFFSET(msghdr, msg_controllen);
    OFFSET(msghdr, msg_flags);
    SIZE(iocb);
    OFFSET(iocb, aio_lio_opcode);
    OFFSET(iocb, aio_fildes);
    OFFSET(iocb, aio_buf);
    OFFSET(iocb, aio_flags);
    OFFSET(iocb, aio_resfd);
    SIZE(io_event);
    SIZE(iovec);
    OFFSET(iovec, iov_base);
    OFFSET(iovec, iov_len);
    SIZE(cmsghdr);
    OFFSET(cmsghdr, cmsg_len);
    OFFSET(cmsghdr, cmsg_level);
    OFFSET(cmsghdr, cmsg_type);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        printf("CMSG_LEN %d=%zu\n", counts[i], (size_t) CMSG_LEN(counts[i] * sizeof(int)));
        printf("CMSG_SPACE %d=%zu\n", counts[i], (size_t) CMSG_SPACE(counts[i] * sizeof(int)));
    }
    CONSTANT(IOV_MAX);
    SIZE(sockaddr_un);
    OFFSET(sockaddr_un, sun_path);
    SIZE(ucred);
    NUMBER("ucred pid", offsetof(struct ucred, pid));
    NUMBER("ucred uid", offsetof(struct ucred, uid));
    NUMBER("ucred gid", offsetof(struct ucred, gid));
    SIZE(statx);
    OFFSET(statx, stx_mode);
    OFFSET(statx, stx_ino);
    OFFSET(statx, stx_size);
    OFFSET(statx, stx_dev_major);
    OFFSET(statx, stx_dev_minor);
    NUMBER("makedev", makedev(0x12345678u, 0x9abcdef0u));
    NUMBER("sizeof sigset_t", sizeof(sigset_t));
    sigemptyset(&set);
    sigaddset(&set, 1);
    sigaddset(&set, 12);
    sigaddset(&set, 64);
    memcpy(&first_word, &set, sizeof(first_word));
    NUMBER("sigset of 1, 12, 64", first_word);
    SIZE(signalfd_siginfo);
    OFFSET(signalfd_siginfo, ssi_signo);
    NUMBER("page size", sysconf(_SC_PAGESIZE));
}

static void constants(void)
{
    CONSTANT(AT_EMPTY_PATH);
    CONSTANT(STATX_BASIC_STATS);
    CONSTANT(S_IFMT);
    CONSTANT(S_IFSOCK);
    CONSTANT(S_IFREG);
    CONSTANT(S_IFCHR);
    CONSTANT(SIGUSR2);
    CONSTANT(SIGRTMAX);
    CONSTANT(SFD_CLOEXEC);
    CONSTANT(SFD_NONBLOCK);
    CONSTANT(EFD_CLOEXEC);
    CONSTANT(EFD_NONBLOCK);
    CONSTANT(IOCB_CMD_POLL);
    CONSTANT(IOCB_FLAG_RESFD);
    CONSTANT(POLLIN);
    CONSTANT(POLLOUT);
    CONSTANT(SYS_io_setup);
    CONSTANT(SYS_io_submit);
    CONSTANT(SYS_io_getevents);
    CONSTANT(MFD_CLOEXEC);
    CONSTANT(MFD_ALLOW_SEALING);
    CONSTANT(MFD_HUGETLB);
    CONSTANT(F_SEAL_SEAL);
    CONSTANT(F_SEAL_SHRINK);
    CONSTANT(F_SEAL_GROW);
    CONSTANT(F_SEAL_WRITE);
    CONSTANT(F_SEAL_FUTURE_WRITE);
    CONSTANT(F_GETFL);
    CONSTANT(F_SETFL);
    CONSTANT(F_DUPFD_CLOEXEC);
    CONSTANT(F_ADD_SEALS);
    CONSTANT(F_GET_SEALS);
    CONSTANT(O_NONBLOCK);
    CONSTANT(PROT_NONE);
    CONSTANT(PROT_READ);
    CONSTANT(PROT_WRITE);
    CONSTANT(MAP_SHARED);
    CONSTANT(MAP_PRIVATE);
    CONSTANT(MAP_FIXED);
    CONSTANT(MAP_ANONYMOUS);
    CONSTANT(MAP_NORESERVE);
    CONSTANT(AF_UNIX);
    CONSTANT(SOCK_STREAM);
    CONSTANT(SOCK_NONBLOCK);
    CONSTANT(SOCK_CLOEXEC);
    CONSTANT(SOL_SOCKET);
    CONSTANT(SO_PEERCRED);
    CONSTANT(SO_TYPE);
    CONSTANT(SO_DOMAIN);
    CONSTANT(SCM_RIGHTS);
    CONSTANT(SHUT_RDWR);
    CONSTANT(MSG_CTRUNC);
    CONSTANT(MSG_DONTWAIT);
    CONSTANT(MSG_NOSIGNAL);
    CONSTANT(MSG_CMSG_CLOEXEC);
}

#define FIELD(type, field) NUMBER(#type " " #field, offsetof(struct type, field))

static void dma_bufs(void)
{
    struct statfs status;

    CONSTANT(DMA_BUF_IOCTL_SYNC);
    CONSTANT(DMA_BUF_SET_NAME_B);
    CONSTANT(DMA_BUF_IOCTL_EXPORT_SYNC_FILE);
    CONSTANT(DMA_BUF_IOCTL_IMPORT_SYNC_FILE);
    CONSTANT(DMA_HEAP_IOCTL_ALLOC);
    CONSTANT(UDMABUF_CREATE);
    CONSTANT(UDMABUF_CREATE_LIST);
    SIZE(input_event);
    FIELD(input_event, type);
    FIELD(input_event, code);
    FIELD(input_event, value);
    SIZE(input_absinfo);
    FIELD(input_absinfo, minimum);
    FIELD(input_absinfo, maximum);
    CONSTANT(EVIOCGVERSION);
    CONSTANT(EVIOCGRAB);
    NUMBER("EVIOCGNAME", EVIOCGNAME(256));
    NUMBER("EVIOCGKEY", EVIOCGKEY((KEY_CNT + 7) / 8));
    NUMBER("EVIOCGBIT", EVIOCGBIT(EV_ABS, (KEY_CNT + 7) / 8));
    NUMBER("EVIOCGABS", EVIOCGABS(ABS_MT_SLOT));
    CONSTANT(DMA_BUF_SYNC_READ);
    CONSTANT(DMA_BUF_SYNC_WRITE);
    CONSTANT(DMA_BUF_SYNC_RW);
    CONSTANT(DMA_BUF_SYNC_END);
    NUMBER("longest name of a dma-buf", DMA_BUF_NAME_LEN - 1);
    FIELD(dma_buf_export_sync_file, flags);
    FIELD(dma_buf_export_sync_file, fd);
    FIELD(dma_buf_import_sync_file, flags);
    FIELD(dma_buf_import_sync_file, fd);
    FIELD(dma_heap_allocation_data, len);
    FIELD(dma_heap_allocation_data, fd);
    FIELD(dma_heap_allocation_data, fd_flags);
    FIELD(dma_heap_allocation_data, heap_flags);
    SIZE(udmabuf_create_item);
    FIELD(udmabuf_create, memfd);
    FIELD(udmabuf_create, flags);
    FIELD(udmabuf_create, offset);
    FIELD(udmabuf_create, size);
    FIELD(udmabuf_create_item, memfd);
    FIELD(udmabuf_create_item, offset);
    FIELD(udmabuf_create_item, size);
    FIELD(udmabuf_create_list, flags);
    FIELD(udmabuf_create_list, count);
    FIELD(udmabuf_create_list, list);
    CONSTANT(UDMABUF_FLAGS_CLOEXEC);
    SIZE(statfs);
    FIELD(statfs, f_type);
    NUMBER("size of f_type", sizeof(status.f_type));
    SIZE(pollfd);
    FIELD(pollfd, events);
    FIELD(pollfd, revents);
    CONSTANT(POLLIN);
    CONSTANT(POLLOUT);
    CONSTANT(DMA_BUF_MAGIC);
    CONSTANT(O_RDWR);
    CONSTANT(O_CLOEXEC);
    CONSTANT(SEEK_SET);
    CONSTANT(SEEK_CUR);
    CONSTANT(SEEK_END);
}

int main(void)
{
    structures();
    constants();
    dma_bufs();
#define E(name) error_number(#name, name);
#include "errnos.inc"
    return 0;
}
