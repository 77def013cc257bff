package sluice.guest.check;

import java.nio.file.Path;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * Additions of the user to the guest.
 *
 * @param modules kernel modules, loaded in this order after the witness and before the card's driver
 * @param test a program to run instead of ours, or null
 * @param root its root folder, or null for the small root of the image
 */
record Additions(List<Path> modules, @Nullable TestProgram test, @Nullable GuestRoot root) {
    /** No additions. */
    static final Additions NONE = new Additions(List.of(), null, null);
}
