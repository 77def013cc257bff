package sluice.guest;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/**
 * Writes an initramfs in the "newc" cpio format (kernel, Documentation/driver-api/early-userspace/buffer-format.rst): no time
 * stamps, owner root, so that equal contents give equal bytes.
 */
final class CpioArchive implements AutoCloseable {
    private static final int FOLDER = 0040755;
    private static final int FILE = 0100000;
    private static final int LINK = 0120777;
    private static final long LARGEST = 0xFFFF_FFFFL;

    private final OutputStream out;
    private final Set<String> folders = new HashSet<>();
    private int inode;

    CpioArchive(OutputStream out) {
        this.out = out;
    }

    /** Adds a folder and the folders above it; one that is there already is not written again. */
    void folder(String path) throws IOException {
        int slash = path.lastIndexOf('/');
        if (slash > 0)
            folder(path.substring(0, slash));
        if (folders.add(path))
            entry(path, FOLDER, new byte[0]);
    }

    /**
     * Adds a regular file and the folders above it.
     *
     * @param path without a leading slash
     * @param mode permission bits, for example 0755
     */
    void file(String path, int mode, byte[] content) throws IOException {
        parents(path);
        entry(path, FILE | mode, content);
    }

    /** Adds a symbolic link. */
    void link(String path, String target) throws IOException {
        parents(path);
        entry(path, LINK, target.getBytes(StandardCharsets.UTF_8));
    }

    /** Writes the trailer; the stream itself stays open. */
    @Override
    public void close() throws IOException {
        entry("TRAILER!!!", 0, new byte[0]);
        out.flush();
    }

    private void parents(String path) throws IOException {
        int slash = path.lastIndexOf('/');
        if (slash > 0)
            folder(path.substring(0, slash));
    }

    private void entry(String path, int mode, byte[] content) throws IOException {
        if (path.startsWith("/") || path.isEmpty()) {
            throw new IllegalArgumentException("a path in an archive is relative and not empty, not \"" + path + "\"");
        }
        byte[] name = (path + "\0").getBytes(StandardCharsets.UTF_8);
        long[] fields = { mode == 0 ? 0 : ++inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0 };
        StringBuilder header = new StringBuilder("070701");
        for (long field : fields) {
            header.append("%08X".formatted(field & LARGEST));
        }
        out.write(header.toString().getBytes(StandardCharsets.US_ASCII));
        out.write(name);
        pad(header.length() + name.length);
        out.write(content);
        pad(content.length);
    }

    private void pad(int written) throws IOException {
        out.write(new byte[-written & 3]);
    }
}
