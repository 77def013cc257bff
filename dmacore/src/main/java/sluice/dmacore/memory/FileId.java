package sluice.dmacore.memory;

import java.util.Comparator;

import sluice.dmacore.linux.FileStatus;

/** The identity of a file, device and inode number: descriptors with equal ids refer to the same memory. */
public record FileId(long device, long inode) {
    /** Order of files for locking several. */
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
