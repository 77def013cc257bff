package sluice.guest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** A program of this host, as its file says what it needs to run (elf(5)). */
final class ProgramFile {
    private static final int ELF = 0x464C457F;
    private static final int INTERPRETER = 3;
    private static final int HEADERS = 64 * 1024;

    private ProgramFile() {}

    /** Whether it is started by a loader that brings libraries: it has a segment PT_INTERP. Scripts and static programs have none. */
    static boolean isDynamic(Path file) throws IOException {
        ByteBuffer elf;
        try (InputStream stream = Files.newInputStream(file)) {
            elf = ByteBuffer.wrap(stream.readNBytes(HEADERS)).order(ByteOrder.LITTLE_ENDIAN);
        }
        if (elf.limit() < 64 || elf.getInt(0) != ELF) return false;
        long at = elf.getLong(0x20);
        int size = Short.toUnsignedInt(elf.getShort(0x36));
        for (int i = Short.toUnsignedInt(elf.getShort(0x38)); i > 0; i--, at += size) {
            if (at < 0 || at > elf.limit() - Integer.BYTES)
                throw new IOException(file + " is not a program: its segments lie outside of the file's beginning");
            if (elf.getInt((int) at) == INTERPRETER) return true;
        }
        return false;
    }
}
