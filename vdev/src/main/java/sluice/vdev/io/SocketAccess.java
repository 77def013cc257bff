package sluice.vdev.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * Mode and group of a listening socket. The default is the owner only, since every client controls the device.
 *
 * @param mode permissions of the file, the lowest nine bits of {@code st_mode}
 * @param group of the file, or null for that of the process
 */
public record SocketAccess(int mode, @Nullable String group) {
    /** The owner only. */
    public static final SocketAccess OWNER = new SocketAccess(0600, null);
    private static final int BITS = 9;

    /** @throws IllegalArgumentException the mode has other bits, or excludes the owner */
    public SocketAccess {
        if (mode >>> BITS != 0 || (mode & 0600) != 0600)
            throw new IllegalArgumentException("a socket has a mode from 0600 to 0777, not 0%o".formatted(mode));
    }

    /**
     * Gives it to a file that its owner alone may use until then.
     *
     * @throws IOException there is no such group, or the user is not in it
     */
    void giveTo(Path file) throws IOException {
        if (group != null) giveTo(file, group);
        if (mode != OWNER.mode) Files.setPosixFilePermissions(file, permissions());
    }

    private static void giveTo(Path file, String group) throws IOException {
        try {
            GroupPrincipal found = file.getFileSystem().getUserPrincipalLookupService()
                    .lookupPrincipalByGroupName(group);
            Files.getFileAttributeView(file, PosixFileAttributeView.class).setGroup(found);
        } catch (UserPrincipalNotFoundException e) {
            throw new IOException("socket-group=%s: there is no such group".formatted(group), e);
        } catch (IOException e) {
            throw new IOException("socket-group=%s cannot own %s: %s".formatted(group, file, e.getMessage()), e);
        }
    }

    /** From {@code st_mode}'s lowest bits to a text such as rw-rw----. */
    private Set<PosixFilePermission> permissions() {
        StringBuilder text = new StringBuilder();
        for (int bit = BITS - 1; bit >= 0; bit--) text.append((mode & (1 << bit)) == 0 ? '-' : "xwr".charAt(bit % 3));
        return PosixFilePermissions.fromString(text.toString());
    }
}
