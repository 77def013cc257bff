package sluice.dmacore.trace.chronicle;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.TimeUnit;

import sluice.dmacore.trace.recording.Layout;

/**
 * The file of a recording during its creation. It is new, accessible to its owner only, and locked: a file that another
 * process has mapped is never truncated, because that would kill the process.
 */
final class RecordingFile implements AutoCloseable {
    private static final int ZEROS = 1 << 20;
    private static final int PAGE = 4096;

    private final FileChannel channel;
    private final RecorderOptions options;

    private RecordingFile(FileChannel channel, RecorderOptions options) {
        this.channel = channel;
        this.options = options;
    }

    /** Creates the file, with a header and no events. */
    static RecordingFile create(RecorderOptions options) throws IOException {
        Path file = options.file();
        removeOld(file);
        RecordingFile made = new RecordingFile(open(file), options);
        boolean done = false;
        try {
            if (made.channel.tryLock() == null) throw busy(file);
            made.write(made.header(), 0);
            done = true;
            return made;
        } finally {
            if (!done) made.close();
        }
    }

    private static FileChannel open(Path file) throws IOException {
        try {
            return FileChannel.open(file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ,
                    StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (FileAlreadyExistsException e) {
            throw new IOException("another process has just created the file " + file, e);
        }
    }

    private static IOException busy(Path file) {
        return new IOException("another recorder is writing " + file + ": choose another file");
    }

    private static void removeOld(Path file) throws IOException {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) return;
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(file
                    + " is not a regular file: a recording needs one on a file system, and links are not followed");
        }
        try (FileChannel old = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS)) {
            ByteBuffer magic = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            while (magic.hasRemaining() && old.read(magic) >= 0) {
                // a file may be shorter
            }
            if (magic.hasRemaining() || magic.getLong(0) != Layout.MAGIC) {
                throw new IOException(
                        file + " exists and is not a recording, so it is not replaced: delete it or choose another file");
            }
            if (old.tryLock() == null) throw busy(file);
            Files.delete(file);
        } catch (OverlappingFileLockException e) {
            throw busy(file);
        }
    }

    private ByteBuffer header() {
        ByteBuffer header = ByteBuffer.allocate(Layout.HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        Instant now = Instant.now();
        header.putLong(Layout.START_NANO_TIME_AT, System.nanoTime());
        header.putLong(Layout.START_EPOCH_NANOS_AT, TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano());
        header.putLong(Layout.MAGIC_AT, Layout.MAGIC).putInt(Layout.VERSION_AT, Layout.VERSION)
                .putInt(Layout.RECORD_BYTES_AT, Layout.RECORD_BYTES).putLong(Layout.CAPACITY_AT, options.capacity())
                .putLong(Layout.NAMES_OFFSET_AT, Layout.HEADER_BYTES)
                .putLong(Layout.NAMES_BYTES_AT, options.namesBytes())
                .putLong(Layout.RECORDS_OFFSET_AT, Layout.recordsOffset(options.namesBytes()))
                .putLong(Layout.PID_AT, ProcessHandle.current().pid());
        return header;
    }

    /**
     * Allocates all blocks of the file and maps it.
     *
     * <p>A store to a block that the file system cannot allocate kills the JVM, so all are allocated here; and each
     * page is touched, so that no event takes a page fault.
     *
     * @return the whole file; unmapped when it is unreachable, because closing the arena would make a concurrent writer
     * fail
     * @throws IOException such as for a full disk
     */
    MemorySegment map() throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect(ZEROS);
        for (long at = Layout.HEADER_BYTES; at < options.fileBytes(); at += ZEROS) {
            write(zeros.clear().limit((int) Math.min(ZEROS, options.fileBytes() - at)), at);
        }
        MemorySegment mapped = channel.map(MapMode.READ_WRITE, 0, options.fileBytes(), Arena.ofAuto());
        for (long at = Layout.HEADER_BYTES; at < mapped.byteSize(); at += PAGE) {
            mapped.set(ValueLayout.JAVA_BYTE, at, (byte) 0);
        }
        return mapped;
    }

    private void write(ByteBuffer bytes, long at) throws IOException {
        while (bytes.hasRemaining())
            at += channel.write(bytes, at);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
