from tests.gui.sessions.test_fashion_cnn import *
import time
def test_w(user):
    t=time.time()
    lk=user.window.context.link
    lk.stopped.connect(lambda s: print(f"  {time.time()-t:.2f} stopped", s.get("description"), s.get("reason"), s.get("seq"), s.get("position"), s.get("batch"), s.get("step")))
    lk.resumed.connect(lambda: print("  resumed"))
    lk.failed.connect(lambda s: print("  failed", s))
    mv=lk.move
    def m2(c,**k): print("  MOVE",c,k); return mv(c,**k)
    lk.move=m2
    open_from_the_start_page(user)
    run_to_batch_3(user); user.choose("Level of a step","batch"); [user.step("F10") for _ in range(3)]; user.choose("Level of a step","op")
    for i in range(5): user.step("F10")
    user.step("Alt+F10")
    fork_by_an_edit(user)
    user.choose("Level of a step", "batch")
    for i in range(2):
        print("press", user.event, user.status, lk.moving)
        try: user.step("F10")
        except AssertionError as e: print(str(e)[:300])
        print(lk.moving, user.window.context.action("over").isEnabled(), user.window.context.state.running)

    user.choose("Level of a step", "op")
    user.step("F10")
    print(user.status)
    user.choose("Level of a step", "batch")
    for i in range(3):
        user.step("F10")
