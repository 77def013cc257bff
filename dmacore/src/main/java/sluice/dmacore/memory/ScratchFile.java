package sluice.dmacore.memory;

import java.io.IOException;
import java.io.UncheckedIOException;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;

/** Scratch memory in a memfd. Its descriptor serves to give back pages. */
record ScratchFile(Fd fd, FileMapping mapping) implements Scratch {
    private static final int PAGE = 4096;

    static Scratch open(String name, long bytes, FileMappings files) throws IOException {
        Fd fd = Memfd.create(name, Memfd.ALLOW_SEALING);
        boolean mapped = false;
        try {
            Memfd.resize(fd, (bytes + PAGE - 1) & -PAGE);
            Scratch scratch = new ScratchFile(fd, files.map(fd));
            mapped = true;
            return scratch;
        } finally {
            if (!mapped) fd.close();
        }
    }

    @Override
    public void giveBack(long offset, long bytes) {
        try {
            Memfd.punch(fd, offset, bytes);
        } catch (ErrnoException e) {
            throw new UncheckedIOException("pages of scratch memory cannot be given back", e);
        }
    }

    @Override
    public FileMapping keepMapping() {
        fd.close();
        return mapping;
    }

    @Override
    public void close() {
        mapping.release();
        fd.close();
    }
}
