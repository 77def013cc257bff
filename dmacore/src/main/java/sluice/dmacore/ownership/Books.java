package sluice.dmacore.ownership;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileId;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;

/**
 * The pages of all files that buffers lie in. One who enters a buffer, or takes it out, has the pages of its files to himself
 * meanwhile, and nobody else's.
 */
final class Books {
    /** A file that nobody uses is kept: a device often lets go of its only buffer and takes the next. */
    private @Nullable FileId unused;
    private final Map<FileId, FilePages> files = new HashMap<>();

    /** The pages of the files of one buffer, for one thread; closing it lets others at them. */
    static final class Open implements AutoCloseable {
        private final Books books;
        private final Map<FileId, FilePages> pages;
        private @Nullable FileMapping lastFile;
        private @Nullable FilePages lastPages;

        private Open(Books books, Map<FileId, FilePages> pages) {
            this.books = books;
            this.pages = pages;
        }

        FilePages of(FileMapping file) {
            FilePages found = lastPages;
            if (found == null || !file.equals(lastFile)) {
                found = Objects.requireNonNull(pages.get(file.id()), "a file of the buffer");
                lastPages = found;
                lastFile = file;
            }
            return found;
        }

        @Override
        public void close() {
            for (FilePages one : pages.values()) one.lock.unlock();
            books.leave(pages);
        }
    }

    /** Waits until nobody else is at the files of a buffer. */
    Open open(Runs runs) {
        Map<FileId, FilePages> pages = visit(runs);
        // All in one order, so that no two threads wait for each other.
        for (FilePages one : pages.values()) one.lock.lock();
        return new Open(this, pages);
    }

    private synchronized Map<FileId, FilePages> visit(Runs runs) {
        Map<FileId, FilePages> pages = new TreeMap<>(FileId.ORDER);
        for (int run = 0; run < runs.count(); run = runs.endOfFile(run)) {
            FileId file = runs.mapping(run).id();
            if (pages.containsKey(file)) continue;
            FilePages found = files.computeIfAbsent(file, _ -> new FilePages());
            found.visitors++;
            pages.put(file, found);
        }
        return pages;
    }

    private synchronized void leave(Map<FileId, FilePages> pages) {
        pages.forEach((file, left) -> {
            left.visitors--;
            forgetIfUnused(unused, file);
            unused = file;
        });
    }

    private void forgetIfUnused(@Nullable FileId former, FileId next) {
        if (former == null || former.equals(next)) return;
        FilePages left = files.get(former);
        if (left != null && left.visitors == 0 && left.isEmpty()) files.remove(former);
    }
}
