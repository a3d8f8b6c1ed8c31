"""A Flask service."""

from flask import Blueprint, Flask, jsonify
from flask.views import MethodView

app = Flask(__name__)
blueprint = Blueprint("v1", __name__, url_prefix="/v1")


@app.route("/item/<int:item>")
def read(item):
    return jsonify(item=item * 2)


@app.before_request
def prepare():
    return None


@blueprint.get("/status")
def status():
    return "up"


class Things(MethodView):
    def get(self, thing):
        return jsonify(thing=thing)


app.add_url_rule("/things/<int:thing>", view_func=Things.as_view("things"))
app.register_blueprint(blueprint)
