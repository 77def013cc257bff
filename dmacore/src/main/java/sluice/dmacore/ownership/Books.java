package sluice.dmacore.ownership;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileId;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;

/**
 * The pages of all files with buffers. Registering or unregistering a buffer locks its stretches of the files, and no
 * others.
 */
final class Books {
    private static final int PAGE_SHIFT = 12;
    static final long PAGE = 1L << PAGE_SHIFT;

    /** An unused file is kept, because a device often releases its only buffer and registers the next. */
    private @Nullable FileId unused;
    private final Map<FileId, FilePages> files = new HashMap<>();

    /** The pages of one buffer, locked by one thread until closed. */
    static final class Open implements AutoCloseable {
        private final Books books;
        private final Map<FileId, FilePages.Claim> pages;
        private @Nullable FileMapping lastFile;
        private FilePages.@Nullable Claim lastPages;

        private Open(Books books, Map<FileId, FilePages.Claim> pages) {
            this.books = books;
            this.pages = pages;
        }

        FilePages.Claim of(FileMapping file) {
            FilePages.Claim found = lastPages;
            if (found == null || !file.equals(lastFile)) {
                found = Objects.requireNonNull(pages.get(file.id()), "a file of the buffer");
                lastPages = found;
                lastFile = file;
            }
            return found;
        }

        @Override
        public void close() {
            for (FilePages.Claim one : pages.values()) one.close();
            books.leave(pages.keySet());
        }
    }

    /** Waits until no other thread uses the pages of a buffer. */
    Open open(Runs runs) {
        Map<FileId, FilePages.Claim> pages = visit(runs);
        Open open = new Open(this, pages);
        if (runs.areOfOneFile()) {
            open.of(runs.mapping(0)).add((int) (runs.lowest() >>> PAGE_SHIFT), pageAfter(runs.highest()));
        } else {
            for (int run = 0; run < runs.count(); run++)
                open.of(runs.mapping(run)).add(firstPage(runs, run), endPage(runs, run));
        }
        // In a fixed order, to avoid deadlocks.
        for (FilePages.Claim one : pages.values()) one.claim();
        return open;
    }

    /** The first page of a run in its file. */
    static int firstPage(Runs runs, int run) {
        return (int) (runs.offset(run) >>> PAGE_SHIFT);
    }

    /** The page after the last one of a run in its file. */
    static int endPage(Runs runs, int run) {
        return pageAfter(runs.offset(run) + runs.length(run));
    }

    private static int pageAfter(long end) {
        return (int) ((end + (1 << PAGE_SHIFT) - 1) >>> PAGE_SHIFT);
    }

    private synchronized Map<FileId, FilePages.Claim> visit(Runs runs) {
        Map<FileId, FilePages.Claim> pages = new TreeMap<>(FileId.ORDER);
        for (int run = 0; run < runs.count(); run = runs.endOfFile(run)) {
            FileId file = runs.mapping(run).id();
            if (pages.containsKey(file)) continue;
            FilePages found = files.computeIfAbsent(file, _ -> new FilePages());
            found.visitors++;
            pages.put(file, found.prepare());
        }
        return pages;
    }

    private synchronized void leave(Set<FileId> left) {
        for (FileId file : left) {
            Objects.requireNonNull(files.get(file), "a file that is visited").visitors--;
            forgetIfUnused(unused, file);
            unused = file;
        }
    }

    private void forgetIfUnused(@Nullable FileId former, FileId next) {
        if (former == null || former.equals(next)) return;
        FilePages left = files.get(former);
        if (left != null && left.visitors == 0 && left.isEmpty()) files.remove(former);
    }
}
