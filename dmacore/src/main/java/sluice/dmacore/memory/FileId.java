package sluice.dmacore.memory;

import java.util.Comparator;

import sluice.dmacore.linux.FileStatus;

/** What makes two descriptors the same memory: device and inode number of the file behind them. */
public record FileId(long device, long inode) {
    /** An order of files, for those who lock several. */
    public static final Comparator<FileId> ORDER = Comparator.comparingLong(FileId::device)
            .thenComparingLong(FileId::inode);

    static FileId of(FileStatus status) {
        return new FileId(status.device(), status.inode());
    }

    @Override
    public String toString() {
        return "file %x:%x".formatted(device, inode);
    }
}
