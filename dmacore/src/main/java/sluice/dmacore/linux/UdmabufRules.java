package sluice.dmacore.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Explains a refusal of udmabuf. The kernel returns EINVAL for eight different errors; this determines which, in the
 * order of the checks in {@code drivers/dma-buf/udmabuf.c}.
 *
 * @param listLimit most parts of a buffer, or {@link #UNKNOWN}
 * @param sizeLimitMb largest buffer in MiB, or {@link #UNKNOWN}
 */
record UdmabufRules(long listLimit, long sizeLimitMb) {
    static final long UNKNOWN = Long.MAX_VALUE;
    private static final Path PARAMETERS = Path.of("/sys/module/udmabuf/parameters");

    /** The module's current parameters. */
    static UdmabufRules ofThisKernel() {
        return new UdmabufRules(parameter("list_limit"), parameter("size_limit_mb"));
    }

    private static long parameter(String name) {
        try {
            return Long.parseLong(Files.readString(PARAMETERS.resolve(name)).strip());
        } catch (IOException | NumberFormatException e) {
            return UNKNOWN; // affects the explanation only: the kernel has already refused
        }
    }

    /** The first rule that these parts violate, as a sentence with the range and what to do. */
    String broken(List<Udmabuf.Part> parts, int errno) {
        if (errno == Errno.ENOMEM) {
            return "the kernel has no memory for the buffer's list of pages, or could not pin them";
        }
        if (errno == Errno.EMFILE || errno == Errno.ENFILE) {
            return "no descriptor is free for the buffer; close files or raise the limit (ulimit -n)";
        }
        return brokenByList(parts);
    }

    private String brokenByList(List<Udmabuf.Part> parts) {
        if (parts.size() > listLimit) {
            return "a buffer has at most %d parts, but these are %d; merge neighbours or raise %s/list_limit"
                    .formatted(listLimit, parts.size(), PARAMETERS);
        }
        long page = Mman.pageSize();
        long pages = 0;
        for (int i = 0; i < parts.size(); i++) {
            Udmabuf.Part part = parts.get(i);
            if (part.offset() % page != 0) {
                return "part %d begins at offset 0x%x, which is not a multiple of the page size %d".formatted(i,
                        part.offset(), page);
            }
            if (part.size() % page != 0) {
                return "part %d has 0x%x bytes, which is not a multiple of the page size %d".formatted(i, part.size(),
                        page);
            }
            pages += part.size() >>> Long.numberOfTrailingZeros(page);
            if (sizeLimitMb != UNKNOWN && pages > (sizeLimitMb << 20) / page) {
                return "the parts up to part %d have %d pages, but a buffer has at most %d MiB; raise %s/size_limit_mb"
                        .formatted(i, pages, sizeLimitMb, PARAMETERS);
            }
        }
        if (pages == 0) {
            return "a buffer has 1 page or more, but these %d parts have none".formatted(parts.size());
        }
        for (int i = 0; i < parts.size(); i++) {
            String broken = brokenByFile(i, parts.get(i));
            if (!broken.isEmpty()) {
                return broken;
            }
        }
        return "the kernel refuses these %d parts by a rule that is not known here".formatted(parts.size());
    }

    private static String brokenByFile(int index, Udmabuf.Part part) {
        int seals;
        FileStatus status;
        try {
            seals = Seals.get(part.memfd());
            status = FileStatus.of(part.memfd());
        } catch (ErrnoException e) {
            return "the file of part %d cannot be looked at (%s)".formatted(index, e.getMessage());
        }
        if (seals == Seals.NONE_POSSIBLE) {
            return "the file of part %d is not a memfd: only files in memory (memfd, hugetlbfs) have pages to share"
                    .formatted(index);
        }
        if ((seals & Seals.SHRINK) == 0) {
            return "the file of part %d lacks the seal F_SEAL_SHRINK (seals 0x%x): add it before".formatted(index,
                    seals);
        }
        if ((seals & (Seals.WRITE | Seals.FUTURE_WRITE)) != 0) {
            return "the file of part %d is sealed against writing (seals 0x%x), and devices may write to a dma-buf"
                    .formatted(index, seals);
        }
        if (part.size() < 0 || part.offset() < 0 || part.offset() > status.size() - part.size()) {
            return "part %d needs the bytes 0x%x to 0x%x of a file that has only 0x%x".formatted(index, part.offset(),
                    part.offset() + part.size(), status.size());
        }
        return "";
    }
}
