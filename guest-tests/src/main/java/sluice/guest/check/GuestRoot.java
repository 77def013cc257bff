package sluice.guest.check;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import sluice.guest.GuestImage;

/**
 * A folder of this host as the guest's root for a user's program: a distribution, or this host itself. The guest reads
 * it over 9P, read-only; its writes stay in its memory, in an overlay.
 *
 * @param folder on this host
 */
record GuestRoot(Path folder) {
    private static final String TAG = "distribution";
    private static final String MOUNTED = "/" + TAG;

    /** @throws IOException it is not a readable folder, or its path cannot be passed in QEMU's option */
    static GuestRoot of(String argument) throws IOException {
        Path folder = argument.equals("host") ? Path.of("/") : Path.of(argument).toAbsolutePath().normalize();
        if (!Files.isDirectory(folder) || !Files.isReadable(folder))
            throw new IOException("--root=%s: give host, or a folder with a distribution".formatted(argument));
        return new GuestRoot(folder);
    }

    /** The required kernel modules, loaded unless built in. */
    void load(GuestImage.Builder image) {
        image.module("9pnet_virtio").module("9p").module("overlay");
    }

    /** QEMU's arguments. */
    List<String> qemuArguments() {
        // Commas in a value are doubled.
        return List.of("-fsdev", "local,id=%s,path=%s,security_model=none,readonly=on,multidevs=remap".formatted(TAG,
                folder.toString().replace(",", ",,")), "-device",
                "virtio-9p-pci,fsdev=%s,mount_tag=%s".formatted(TAG, TAG));
    }

    /** The command that mounts it in the guest; exits with 0 on success. */
    String mount() {
        return String.join(" && ", "mkdir -p %s /lower /layer".formatted(MOUNTED),
                "mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 %s /lower".formatted(TAG),
                "mount -t tmpfs tmpfs /layer", "mkdir /layer/upper /layer/work",
                "mount -t overlay -o lowerdir=/lower,upperdir=/layer/upper,workdir=/layer/work overlay " + MOUNTED,
                "mkdir -p %s/dev %s/proc %s/sys %s/tmp".formatted(MOUNTED, MOUNTED, MOUNTED, MOUNTED),
                "mount -o bind /dev %s/dev".formatted(MOUNTED), "mount -o bind /proc %s/proc".formatted(MOUNTED),
                "mount -o bind /sys %s/sys".formatted(MOUNTED));
    }

    /** The command that runs a program from the guest's {@code /test} on it, with the distribution's libraries. */
    String start(String name) {
        return "sh -c 'cp /test/%s %s/tmp/ && exec chroot %s /tmp/%s'".formatted(name, MOUNTED, MOUNTED, name);
    }
}
