package sluice.dmacore.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** Our numbers against those of the C headers of this machine, printed by {@code native_layout.c}. */
class NativeLayoutTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @Test
    void numbersAreThoseOfTheCHeaders(@TempDir Path directory) throws Exception {
        Map<String, String> expected = new TreeMap<>();
        ours().forEach((name, value) -> expected.put(name, Long.toString(value)));
        Errno.meanings().forEach((number, meaning) -> {
            expected.put(meaning.name(), number.toString());
            expected.put("strerror " + number, meaning.text());
        });
        String errnos = String.join("\n", Errno.meanings().values().stream().map(m -> "E(" + m.name() + ")").toList());
        Files.writeString(directory.resolve("errnos.inc"), errnos + "\n");

        Map<String, String> actual = new TreeMap<>();
        for (String line : compileAndRun(directory).lines().toList()) {
            int split = line.lastIndexOf('=');
            actual.put(line.substring(0, split), line.substring(split + 1));
        }
        assertThat(actual).containsExactlyEntriesOf(expected);
    }

    private static Map<String, Long> ours() {
        Map<String, Long> values = new TreeMap<>();
        values.put("sizeof msghdr", MessageLayout.MSGHDR_BYTES);
        values.put("msg_iov", MessageLayout.MSG_IOV);
        values.put("msg_iovlen", MessageLayout.MSG_IOVLEN);
        values.put("msg_control", MessageLayout.MSG_CONTROL);
        values.put("msg_controllen", MessageLayout.MSG_CONTROLLEN);
        values.put("msg_flags", MessageLayout.MSG_FLAGS);
        values.put("sizeof iovec", MessageLayout.IOVEC_BYTES);
        values.put("iov_base", MessageLayout.IOV_BASE);
        values.put("iov_len", MessageLayout.IOV_LEN);
        values.put("sizeof cmsghdr", MessageLayout.CMSGHDR_BYTES);
        values.put("cmsg_len", MessageLayout.CMSG_LEN);
        values.put("cmsg_level", MessageLayout.CMSG_LEVEL);
        values.put("cmsg_type", MessageLayout.CMSG_TYPE);
        for (int fds : new int[]{ 1, 2, 32, 33 }) {
            values.put("CMSG_LEN " + fds, MessageLayout.cmsgLength(4L * fds));
            values.put("CMSG_SPACE " + fds, MessageLayout.cmsgSpace(4L * fds));
        }
        values.put("IOV_MAX", (long) SocketMessage.MAX_CAPACITY);
        values.put("sizeof sockaddr_un", UnixAddress.BYTES);
        values.put("sun_path", UnixAddress.SUN_PATH);
        values.put("sizeof ucred", UnixSocket.UCRED_BYTES);
        values.put("ucred pid", UnixSocket.UCRED_PID);
        values.put("ucred uid", UnixSocket.UCRED_UID);
        values.put("ucred gid", UnixSocket.UCRED_GID);
        values.put("sizeof statx", FileStatus.STATX_BYTES);
        values.put("stx_mode", FileStatus.STX_MODE);
        values.put("stx_ino", FileStatus.STX_INO);
        values.put("stx_size", FileStatus.STX_SIZE);
        values.put("stx_dev_major", FileStatus.STX_DEV_MAJOR);
        values.put("stx_dev_minor", FileStatus.STX_DEV_MINOR);
        values.put("makedev", FileStatus.makeDevice(0x12345678, 0x9abcdef0));
        values.put("AT_EMPTY_PATH", (long) FileStatus.AT_EMPTY_PATH);
        values.put("STATX_BASIC_STATS", (long) FileStatus.STATX_BASIC_STATS);
        values.put("S_IFMT", (long) FileStatus.KIND_MASK);
        values.put("S_IFSOCK", (long) FileStatus.SOCKET);
        values.put("S_IFREG", (long) FileStatus.REGULAR);
        values.put("S_IFCHR", (long) FileStatus.CHARACTER_DEVICE);
        values.put("sizeof sigset_t", SignalFd.SIGSET_BYTES);
        values.put("sigset of 1, 12, 64", 1L | 1L << 11 | 1L << 63);
        values.put("sizeof signalfd_siginfo", SignalFd.SIGINFO_BYTES);
        values.put("ssi_signo", SignalFd.SSI_SIGNO);
        values.put("SIGUSR2", (long) SignalFd.SIGUSR2);
        values.put("SIGRTMAX", (long) SignalFd.HIGHEST_SIGNAL);
        values.put("SFD_CLOEXEC", (long) SignalFd.SFD_CLOEXEC);
        values.put("SFD_NONBLOCK", (long) SignalFd.SFD_NONBLOCK);
        values.put("EFD_CLOEXEC", (long) EventFd.EFD_CLOEXEC);
        values.put("EFD_NONBLOCK", (long) EventFd.EFD_NONBLOCK);
        values.put("sizeof iocb", KernelSignal.IOCB_BYTES);
        values.put("aio_lio_opcode", KernelSignal.AIO_LIO_OPCODE);
        values.put("aio_fildes", KernelSignal.AIO_FILDES);
        values.put("aio_buf", KernelSignal.AIO_BUF);
        values.put("aio_flags", KernelSignal.AIO_FLAGS);
        values.put("aio_resfd", KernelSignal.AIO_RESFD);
        values.put("sizeof io_event", KernelSignal.IO_EVENT_BYTES);
        values.put("IOCB_CMD_POLL", (long) KernelSignal.IOCB_CMD_POLL);
        values.put("IOCB_FLAG_RESFD", (long) KernelSignal.IOCB_FLAG_RESFD);
        values.put("POLLIN", (long) KernelSignal.POLLIN);
        values.put("POLLOUT", (long) KernelSignal.POLLOUT);
        values.put("SYS_io_setup", KernelSignal.IO_SETUP);
        values.put("SYS_io_submit", KernelSignal.IO_SUBMIT);
        values.put("SYS_io_getevents", KernelSignal.IO_GETEVENTS);
        values.put("MFD_CLOEXEC", (long) Memfd.MFD_CLOEXEC);
        values.put("MFD_ALLOW_SEALING", (long) Memfd.ALLOW_SEALING);
        values.put("MFD_HUGETLB", (long) Memfd.HUGETLB);
        values.put("F_SEAL_SEAL", (long) Seals.SEAL);
        values.put("F_SEAL_SHRINK", (long) Seals.SHRINK);
        values.put("F_SEAL_GROW", (long) Seals.GROW);
        values.put("F_SEAL_WRITE", (long) Seals.WRITE);
        values.put("F_SEAL_FUTURE_WRITE", (long) Seals.FUTURE_WRITE);
        values.put("F_GETFL", (long) Fcntl.F_GETFL);
        values.put("F_SETFL", (long) Fcntl.F_SETFL);
        values.put("F_DUPFD_CLOEXEC", (long) Fcntl.F_DUPFD_CLOEXEC);
        values.put("F_ADD_SEALS", (long) Fcntl.F_ADD_SEALS);
        values.put("F_GET_SEALS", (long) Fcntl.F_GET_SEALS);
        values.put("O_NONBLOCK", (long) Fcntl.O_NONBLOCK);
        values.put("PROT_NONE", (long) Mman.PROT_NONE);
        values.put("PROT_READ", (long) Mman.PROT_READ);
        values.put("PROT_WRITE", (long) Mman.PROT_WRITE);
        values.put("MAP_SHARED", (long) Mman.MAP_SHARED);
        values.put("MAP_PRIVATE", (long) Mman.MAP_PRIVATE);
        values.put("MAP_FIXED", (long) Mman.MAP_FIXED);
        values.put("MAP_ANONYMOUS", (long) Mman.MAP_ANONYMOUS);
        values.put("MAP_NORESERVE", (long) Mman.MAP_NORESERVE);
        values.put("page size", Mman.pageSize());
        values.put("AF_UNIX", (long) Sockets.AF_UNIX);
        values.put("SOCK_STREAM", (long) Sockets.SOCK_STREAM);
        values.put("SOCK_NONBLOCK", (long) Sockets.SOCK_NONBLOCK);
        values.put("SOCK_CLOEXEC", (long) Sockets.SOCK_CLOEXEC);
        values.put("SOL_SOCKET", (long) Sockets.SOL_SOCKET);
        values.put("SO_PEERCRED", (long) Sockets.SO_PEERCRED);
        values.put("SO_TYPE", (long) Sockets.SO_TYPE);
        values.put("SO_DOMAIN", (long) Sockets.SO_DOMAIN);
        values.put("SCM_RIGHTS", (long) Sockets.SCM_RIGHTS);
        values.put("SHUT_RDWR", (long) Sockets.SHUT_RDWR);
        values.put("MSG_CTRUNC", (long) Sockets.MSG_CTRUNC);
        values.put("MSG_DONTWAIT", (long) Sockets.MSG_DONTWAIT);
        values.put("MSG_NOSIGNAL", (long) Sockets.MSG_NOSIGNAL);
        values.put("MSG_CMSG_CLOEXEC", (long) Sockets.MSG_CMSG_CLOEXEC);
        dmaBufs(values);
        input(values);
        return values;
    }

    private static void input(Map<String, Long> values) {
        for (IoctlRequest request : List.of(Evdev.VERSION, Evdev.NAME, Evdev.PRESSED, Evdev.GRAB, Evdev.codesOf(3),
                Evdev.axisOf(0x2f))) {
            values.put(request.name(), request.number());
        }
        values.put("sizeof input_event", (long) Evdev.EVENT_BYTES);
        values.put("input_event type", Evdev.EVENT_TYPE);
        values.put("input_event code", Evdev.EVENT_CODE);
        values.put("input_event value", Evdev.EVENT_VALUE);
        values.put("sizeof input_absinfo", (long) Evdev.ABSINFO_BYTES);
        values.put("input_absinfo minimum", Evdev.ABSINFO_MINIMUM);
        values.put("input_absinfo maximum", Evdev.ABSINFO_MAXIMUM);
    }

    private static void dmaBufs(Map<String, Long> values) {
        for (IoctlRequest request : List.of(DmaBufFile.SYNC, DmaBufFile.SET_NAME, DmaBufFile.EXPORT_SYNC_FILE,
                DmaBufFile.IMPORT_SYNC_FILE, DmaHeap.ALLOC, Udmabuf.CREATE, Udmabuf.CREATE_LIST)) {
            values.put(request.name(), request.number());
        }
        values.put("DMA_BUF_SYNC_READ", (long) SyncAccess.READ.flags());
        values.put("DMA_BUF_SYNC_WRITE", (long) SyncAccess.WRITE.flags());
        values.put("DMA_BUF_SYNC_RW", (long) SyncAccess.READ_WRITE.flags());
        values.put("DMA_BUF_SYNC_END", DmaBufFile.SYNC_END);
        values.put("longest name of a dma-buf", (long) DmaBufFile.LONGEST_NAME);
        values.put("dma_buf_export_sync_file flags", DmaBufFile.SYNC_FILE_FLAGS);
        values.put("dma_buf_export_sync_file fd", DmaBufFile.SYNC_FILE_FD);
        values.put("dma_buf_import_sync_file flags", DmaBufFile.SYNC_FILE_FLAGS);
        values.put("dma_buf_import_sync_file fd", DmaBufFile.SYNC_FILE_FD);
        values.put("dma_heap_allocation_data len", DmaHeap.DATA_LEN);
        values.put("dma_heap_allocation_data fd", DmaHeap.DATA_FD);
        values.put("dma_heap_allocation_data fd_flags", DmaHeap.DATA_FD_FLAGS);
        values.put("dma_heap_allocation_data heap_flags", DmaHeap.DATA_HEAP_FLAGS);
        values.put("sizeof udmabuf_create_item", Udmabuf.ITEM_BYTES);
        values.put("UDMABUF_FLAGS_CLOEXEC", (long) Udmabuf.FLAGS_CLOEXEC);
        for (String structure : List.of("udmabuf_create", "udmabuf_create_item")) {
            values.put(structure + " memfd", Udmabuf.ITEM_MEMFD);
            values.put(structure + " offset", Udmabuf.ITEM_OFFSET);
            values.put(structure + " size", Udmabuf.ITEM_SIZE);
        }
        values.put("udmabuf_create flags", Udmabuf.ITEM_FLAGS);
        values.put("udmabuf_create_list flags", Udmabuf.LIST_FLAGS);
        values.put("udmabuf_create_list count", Udmabuf.LIST_COUNT);
        values.put("udmabuf_create_list list", Udmabuf.LIST_HEADER_BYTES);
        values.put("sizeof statfs", DmaBufFile.STATFS_BYTES);
        values.put("statfs f_type", 0L);
        values.put("size of f_type", (long) Long.BYTES);
        values.put("sizeof pollfd", DmaBufFile.POLLFD_BYTES);
        values.put("pollfd events", DmaBufFile.POLLFD_EVENTS);
        values.put("pollfd revents", DmaBufFile.POLLFD_REVENTS);
        values.put("POLLIN", (long) DmaBufFile.POLLIN);
        values.put("POLLOUT", (long) DmaBufFile.POLLOUT);
        values.put("DMA_BUF_MAGIC", DmaBufFile.DMA_BUF_MAGIC);
        values.put("O_RDWR", (long) Fcntl.O_RDWR);
        values.put("O_CLOEXEC", (long) Fcntl.O_CLOEXEC);
        values.put("SEEK_SET", (long) Unistd.SEEK_SET);
        values.put("SEEK_CUR", (long) Unistd.SEEK_CUR);
        values.put("SEEK_END", (long) Unistd.SEEK_END);
    }

    private static String compileAndRun(Path directory) throws IOException, InterruptedException {
        Optional<Path> compiler = Stream.of(System.getenv("PATH").split(":"))
                .flatMap(entry -> Stream.of("cc", "gcc", "clang").map(name -> Path.of(entry, name)))
                .filter(Files::isExecutable).findFirst();
        Assumptions.assumeTrue(compiler.isPresent(), "no C compiler (cc, gcc or clang) on PATH");
        Path source = directory.resolve("native_layout.c");
        try (var resource = NativeLayoutTest.class.getResourceAsStream("native_layout.c")) {
            assertThat(resource).isNotNull();
            Files.copy(resource, source);
        }
        Path program = directory.resolve("native_layout");
        ChildJvm.Result compiled = ChildJvm.run(List.of(compiler.get().toString(), "-Wall", "-Werror", "-o",
                program.toString(), source.toString()), directory.resolve("compiler.txt"), LIMIT);
        assertThat(compiled.exitCode()).as(compiled.output()).isZero();
        ChildJvm.Result run = ChildJvm.run(List.of("env", "LC_ALL=C", program.toString()),
                directory.resolve("output.txt"), LIMIT);
        assertThat(run.exitCode()).as(run.output()).isZero();
        return run.output();
    }
}
