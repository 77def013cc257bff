package sluice.guest.check;

import java.nio.file.Path;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * What a user adds to the guest, and how its kernel's calls are told.
 *
 * @param modules kernel modules, loaded in this order after the witness and before the card's driver
 * @param test a program to run instead of ours, or null
 * @param root its root folder, or null for the small root of the image
 * @param calls how the kernel's calls are told
 * @param isTraced whether the kernel tells of its GPU driver and interrupts, for a profile
 */
record Additions(List<Path> modules, @Nullable TestProgram test, @Nullable GuestRoot root, CallSource calls,
        boolean isTraced) {
    /** No additions. */
    static final Additions NONE = new Additions(List.of(), null, null);

    /** With the witness's module. */
    Additions(List<Path> modules, @Nullable TestProgram test, @Nullable GuestRoot root) {
        this(modules, test, root, CallSource.MODULE);
    }

    /** Without a trace for a profile. */
    Additions(List<Path> modules, @Nullable TestProgram test, @Nullable GuestRoot root, CallSource calls) {
        this(modules, test, root, calls, false);
    }

    /** The same with such a trace. */
    Additions traced() {
        return new Additions(modules, test, root, calls, true);
    }
}
