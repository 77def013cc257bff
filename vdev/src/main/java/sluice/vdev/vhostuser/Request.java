package sluice.vdev.vhostuser;

/**
 * A message together with what its header said.
 *
 * @param number request number, repeated in a reply
 * @param needReply whether an acknowledgement is wanted
 * @param bytes of the whole message
 */
record Request(int number, boolean needReply, int bytes, FrontEndMessage message) {}
