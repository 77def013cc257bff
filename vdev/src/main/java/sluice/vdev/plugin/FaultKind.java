package sluice.vdev.plugin;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The kinds of faults of {@code inject=KIND,KEY=VALUE,...}. This is the only definition of the grammar: the parser, the help and
 * the list of devices use it.
 */
public enum FaultKind {
    DENY("deny", "[,access=read|write][,first=A,last=A]", Where.SPACE, "An access to a page faults."),
    DELAY("delay", ",ms=N[,access=read|write][,first=A,last=A]", Where.SPACE,
            "An access to a page takes N ms longer, up to 2000."),
    POISON("poison", "[,first=A,last=A]", Where.SPACE, "Every access to these pages faults; no WHEN."),
    REVOKE("revoke", "[,access=read|write][,first=A,last=A]", Where.SPACE,
            "The mapping that an access uses is revoked: this access and all later ones fault until the range is mapped again. Without an IOMMU the mapping is all memory."),
    FAIL_MAP("fail-map", "[,errno=NAME][,after=RUNS]", Where.SPACE,
            "A map fails with this errno (default ENOMEM) after RUNS runs, which are undone; for a PCI function this is DMA_MAP."),
    FAIL_UNMAP("fail-unmap", "[,errno=NAME]", Where.VFIO_USER,
            "DMA_UNMAP fails with this errno (default EIO), and the device can still access the range."),
    LOST_INTERRUPT("lost-interrupt", "[,vector=N|line]", Where.EVERY_DEVICE,
            "An interrupt is not delivered: MSI-X vector N, over vhost-user the call of queue N, or INTx (line); default any."),
    LATE_INTERRUPT("late-interrupt", ",ms=N[,vector=N|line]", Where.EVERY_DEVICE,
            "An interrupt is delivered N ms later, up to 2000; INTx only if it is still asserted then."),
    SHORT_WRITE("short-write", ",bytes=N[,first=A,last=A]", Where.FUNCTION,
            "The last N bytes of a write, 1 to 65536, are not written; the device is not told."),
    OVERRUN("overrun", ",bytes=N[,first=A,last=A]", Where.FUNCTION,
            "The device writes N more bytes, 1 to 65536, of 0xa5 after the end of a write. Outside of what the VM has mapped for it they fault and change nothing."),
    DROP_INVALIDATION("drop-invalidation", "[,first=A,last=A]", Where.VHOST_USER,
            "An invalidation of the VM's IOMMU is lost: the device keeps using memory that the guest has unmapped."),
    STRAY_READ("stray-read", ",address=A[,from=N]", Where.GPU,
            "In its N-th transfer the device reads an address that was not mapped for it; no other WHEN.");

    /** Which devices have it. */
    public enum Where {
        SPACE("PCI functions, and virtio devices that attach to buffers"),
        VFIO_USER("all devices over vfio-user"),
        VHOST_USER("virtio devices over vhost-user"),
        FUNCTION("PCI functions"),
        EVERY_DEVICE("all devices"),
        GPU("gpu");

        private final String words;

        Where(String words) {
            this.words = words;
        }

        @Override
        public String toString() {
            return words;
        }
    }

    /** When a fault happens: the keys that all kinds share. */
    public static final String WHEN = "WHEN: [,from=N][,count=N][,every=N][,one-in=N[,seed=S]]: from the N-th event on (default 1), at most N times (default: no limit), at each N-th event, with a probability of 1/N. The same seed gives the same faults; without seed= one is chosen and logged. A is a bus address, for the gpu an address of its own space; default: all.";

    private final String word;
    private final String keys;
    private final Where where;
    private final String effect;

    FaultKind(String word, String keys, Where where, String effect) {
        this.word = word;
        this.keys = keys;
        this.where = where;
        this.effect = effect;
    }

    /** As it is written: {@code short-write}. */
    public String word() {
        return word;
    }

    /** Its own keys, besides those of {@link #WHEN}. */
    public String keys() {
        return keys;
    }

    public Where where() {
        return where;
    }

    /** What it does, in a sentence or two. */
    public String effect() {
        return effect;
    }

    /** All of them, for a sentence. */
    public static String words() {
        return Arrays.stream(values()).map(FaultKind::word).collect(Collectors.joining(", "));
    }

    /** The grammar, a line for each kind. */
    public static String grammar() {
        StringBuilder text = new StringBuilder("Faults of inject=KIND[,KEY=VALUE...][,WHEN]:%n".formatted());
        for (FaultKind kind : values()) {
            text.append("  %s%s%n      %s (%s)%n".formatted(kind.word, kind.keys, kind.effect, kind.where));
        }
        return text.append("  ").append(WHEN).append(System.lineSeparator()).toString();
    }
}
