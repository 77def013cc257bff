package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

/** The kernel's GPU without hardware, as an importer of dma-bufs ({@code drm/drm.h}): with it a buffer is attached and mapped. */
final class Vgem implements AutoCloseable {
    private static final IoctlRequest VERSION = IoctlRequest.readWrite("DRM_IOCTL_VERSION", 'd', 0, 64);
    private static final IoctlRequest FD_TO_HANDLE = IoctlRequest.readWrite("DRM_IOCTL_PRIME_FD_TO_HANDLE", 'd', 0x2e,
            12);
    private static final IoctlRequest CLOSE = IoctlRequest.write("DRM_IOCTL_GEM_CLOSE", 'd', 9, 8);
    private static final long NAME_LENGTH = 16;
    private static final long NAME = 24;

    private final Fd card;

    private Vgem(Fd card) {
        this.card = card;
    }

    static Vgem open() throws ErrnoException {
        return new Vgem(TestCalls.open(Path.of("/dev/dri/card0"), TestCalls.O_RDWR));
    }

    /** The driver's own name. */
    String driver() throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(16);
            MemorySegment version = arena.allocate(64, 8);
            version.set(JAVA_LONG, NAME_LENGTH, name.byteSize());
            version.set(JAVA_LONG, NAME, name.address());
            Ioctl.call(card, VERSION, version);
            long length = version.get(JAVA_LONG, NAME_LENGTH);
            return new String(name.asSlice(0, length).toArray(JAVA_BYTE),
                    StandardCharsets.US_ASCII);
        }
    }

    /** Imports a dma-buf; the handle of the driver's object. */
    int attach(Fd dmaBuf) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment prime = arena.allocate(12, 4);
            prime.set(JAVA_INT, 8, dmaBuf.number());
            Ioctl.call(card, FD_TO_HANDLE, prime);
            return prime.get(JAVA_INT, 0);
        }
    }

    /** Lets go of what {@link #attach} gave. */
    void detach(int handle) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment close = arena.allocate(8, 4);
            close.set(JAVA_INT, 0, handle);
            Ioctl.call(card, CLOSE, close);
        }
    }

    @Override
    public void close() {
        card.close();
    }
}
