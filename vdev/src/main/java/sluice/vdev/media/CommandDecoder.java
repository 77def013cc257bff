package sluice.vdev.media;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.Runs;

/** Takes a snapshot of a command, which the guest may change at any time, and decodes it. */
final class CommandDecoder {
    /** Most entries of the scatter lists of one command: 64 MiB of single pages. */
    static final int MAX_ENTRIES = 16_384;
    private static final int LIMIT = Command.Control.BYTES + Struct.Buffer.BYTES
            + Struct.MAX_PLANES * Struct.Plane.BYTES + MAX_ENTRIES * Struct.ENTRY_BYTES;

    private final Payload bytes = new Payload(LIMIT);
    private final Command.Open open = new Command.Open();
    private final Command.Close close = new Command.Close(bytes);
    private final Command.Control control = new Command.Control(bytes);
    private final Command.Mmap mmap = new Command.Mmap(bytes);
    private final Command.Munmap munmap = new Command.Munmap(bytes);

    /** The snapshot. */
    Payload bytes() {
        return bytes;
    }

    /** Takes and decodes a command; null if it is longer than any, shorter than its kind, or of no kind. */
    @Nullable
    Command decode(Runs from) {
        if (!bytes.take(from) || bytes.length() < Command.HEADER_BYTES) return null;
        return switch (bytes.u32(0)) {
            case Command.OPEN -> open;
            case Command.CLOSE -> enough(close, Command.Close.BYTES);
            case Command.IOCTL -> enough(control, Command.Control.BYTES);
            case Command.MMAP -> enough(mmap, Command.Mmap.BYTES);
            case Command.MUNMAP -> enough(munmap, Command.Munmap.BYTES);
            default -> null;
        };
    }

    private @Nullable Command enough(Command command, int least) {
        return bytes.length() < least ? null : command;
    }
}
