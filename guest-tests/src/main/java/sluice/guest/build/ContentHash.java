package sluice.guest.build;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 over named parts; the length of each part is hashed, too, so that boundaries of parts are unambiguous. */
public final class ContentHash {
    private static final int BYTES = 16;

    private final MessageDigest digest;

    /** An empty hash. */
    public ContentHash() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every JDK has SHA-256", impossible);
        }
    }

    /** Adds a text. */
    public void text(String name, String value) {
        bytes(name, value.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds bytes. */
    public void bytes(String name, byte[] value) {
        digest.update((name + " " + value.length + "\n").getBytes(StandardCharsets.UTF_8));
        digest.update(value);
    }

    /** The first half of the hash as 32 hexadecimal digits; resets the hash. */
    public String hex() {
        return HexFormat.of().formatHex(digest.digest(), 0, BYTES);
    }
}
