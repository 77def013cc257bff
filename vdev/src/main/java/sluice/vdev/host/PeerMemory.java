package sluice.vdev.host;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.FileStatus;
import sluice.dmacore.linux.ProcessMappings;
import sluice.dmacore.linux.UnixSocket;

/**
 * The memory files that a front-end has sent, and whether it has mapped them privately itself, as QEMU does with {@code share=off}: then
 * the device sees nothing of what the guest writes, and both wait.
 */
public final class PeerMemory {
    private static final Logger LOG = LoggerFactory.getLogger(PeerMemory.class);
    /** Files that are looked at; a VM has one for each NUMA node. */
    private static final int MOST_FILES = 16;

    private final int process;
    private final List<FileStatus> files = new ArrayList<>();

    private PeerMemory(int process) {
        this.process = process;
    }

    /** That of a front-end that has sent nothing yet. */
    public static PeerMemory of(Fd socket) {
        try {
            return new PeerMemory(UnixSocket.peer(socket).pid());
        } catch (ErrnoException e) {
            LOG.debug("the front-end's process is unknown: {}", e.getMessage());
            return new PeerMemory(0);
        }
    }

    /** Remembers a file that has arrived. */
    public synchronized void add(Fd file) {
        if (files.size() == MOST_FILES) return;
        try {
            FileStatus status = FileStatus.of(file);
            if (status.isRegular() && files.stream().noneMatch(known -> isSame(known, status))) files.add(status);
        } catch (ErrnoException e) {
            LOG.debug("a descriptor for memory cannot be looked at: {}", e.getMessage());
        }
    }

    private static boolean isSame(FileStatus one, FileStatus other) {
        return one.inode() == other.inode() && one.device() == other.device();
    }

    /**
     * Whether its own mappings of one of the files are private. False if they cannot be read: the front-end is another user's, or
     * somebody else has made the socket. On a thread that may wait.
     */
    public synchronized boolean isPrivate() {
        if (process <= 0) return false;
        try {
            for (FileStatus file : files) if (ProcessMappings.arePrivate(process, file)) return true;
        } catch (IOException e) {
            LOG.debug("the front-end's mappings cannot be read: {}", e.getMessage());
        }
        return false;
    }
}
