package sluice.dmacore.linux;

/** The functions of {@code unistd.h} that several classes use, linked on first use. */
final class Unistd {
    static final NativeCall CLOSE = NativeCall.returningInt("close");
    static final NativeCall READ = NativeCall.returningLong("read");
    /** Not critical: it may block, and a thread blocked in a critical call delays the safepoints of the whole JVM. */
    static final NativeCall WRITE = NativeCall.returningLong("write");
    static final NativeCall FTRUNCATE = NativeCall.returningInt("ftruncate");
    static final NativeCall LSEEK = NativeCall.returningLong("lseek");
    static final int SEEK_SET = 0;
    static final int SEEK_CUR = 1;
    static final int SEEK_END = 2;

    private Unistd() {}
}
